// One task on its way through a worker, and what its steps cause.
#pragma once

#include "app/registry.hpp"
#include "app/task_options.hpp"
#include "broker/transport.hpp"
#include "core/clock.hpp"
#include "wire/result_record.hpp"
#include "wire/task_message.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lovage::execute {

/// What stays the same for every request of a worker.
struct policy {
  task_registry::impl const* tasks = nullptr;
  task_options defaults;
  wire::decode_options accept;
  std::string node;                 ///< "celery@host"
  std::string serializer = "json";  ///< of messages the worker sends (retries)
  std::string compression;
  std::uint32_t delivery_limit = 5;  ///< attempts before the dead set; zero: no limit
  bool result_extended = false;
  bool store_results = true;        ///< a backend is configured
  bool hard_limits = false;         ///< the pool can kill
  std::function<double()> uniform;  ///< numbers in [0, 1)
};

/// A decoded message of a known task.
struct request {
  wire::task_message message;
  std::uint64_t tag = 0;
  queue_name queue;
  int priority = 0;
  std::uint32_t attempts = 0;
  task_entry const* entry = nullptr;
  task_options options;
  bool settled = false;  ///< acknowledged before the run (acks_late off)

  /// "shop.add[6f1c...]", for log lines; the shadow name where there is one.
  [[nodiscard]] std::string label() const;
};

/// What is to be done, in this order: publish, store, settle.
struct effects {
  std::vector<broker::outgoing> publish;
  std::vector<wire::result_record> records;
  std::vector<broker::settlement> settlements;
  [[nodiscard]] bool empty() const noexcept { return publish.empty() && records.empty() && settlements.empty(); }
  void clear() { publish.clear(), records.clear(), settlements.clear(); }
};

/// A record of this request's id with the fields every state has.
[[nodiscard]] wire::result_record make_record(request const& r, policy const& with, std::string_view status,
                                              value result);

/// Stores FAILURE (unless ignored) and settles as `how`; logs.
void fail_request(request const& r, policy const& with, wire::exception_info const& why, broker::disposition how,
                  time_point now, effects& out);

}  // namespace lovage::execute
