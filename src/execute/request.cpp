#include "execute/request.hpp"

#include "core/log.hpp"

namespace lovage::execute {

std::string request::label() const { return message.shadow.value_or(message.task) + "[" + message.id.str() + "]"; }

wire::result_record make_record(request const& r, policy const& with, std::string_view status, value result) {
  wire::result_record out;
  out.id = r.message.id;
  out.status = status;
  out.result = std::move(result);
  out.children = value::list{};
  out.group_id = r.message.group;
  out.parent_id = r.message.parent_id;
  out.reply_to = r.message.properties.reply_to;
  out.correlation_id = r.message.properties.correlation_id;
  if (with.result_extended) {
    out.extended = {{"name", r.message.task}, {"args", r.message.args},       {"kwargs", r.message.kwargs},
                    {"worker", with.node},    {"retries", r.message.retries}, {"queue", r.queue.str()}};
    if (!r.message.stamped_headers.empty()) {
      out.extended.push_back({"stamped_headers", r.message.stamped_headers});
      out.extended.insert(out.extended.end(), r.message.stamps.begin(), r.message.stamps.end());
    }
  }
  return out;
}

void fail_request(request const& r, policy const& with, wire::exception_info const& why, broker::disposition how,
                  time_point now, effects& out) {
  if (log::enabled(log::level::error))
    log::error("Task " + r.label() + " failed: " + why.type + ": " + why.text(),
               {{"task_id", r.message.id.str()}, {"task_name", r.message.task}, {"exception", why.type}});
  if (with.store_results && (!r.options.ignore_result || r.options.store_errors_even_if_ignored)) {
    auto record = make_record(r, with, wire::state::failure, why.to_value());
    record.date_done = wire::to_iso(now);
    out.records.push_back(std::move(record));
  }
  if (!r.settled) out.settlements.push_back({r.tag, how, why.type + ": " + why.text()});
}

}  // namespace lovage::execute
