// Names to addresses, without waiting longer than allowed.
#pragma once

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace lovage::broker::amqp {

struct address {
  sockaddr_storage to{};
  socklen_t size = 0;
};

/// The system's resolver knows no deadline, so a name is looked up by a thread of its own. One that is still at it when
/// the deadline passes is asked again by the next `find` of that name. *Threads*: one at a time.
class resolver {
 public:
  /// Errors: `unavailable` (no such host), `timeout`, `closed` when `wake` (a descriptor) became readable first.
  [[nodiscard]] expected<std::vector<address>> find(std::string const& host, std::uint16_t port, deadline until,
                                                    int wake);

 private:
  struct lookup;
  std::shared_ptr<lookup> under_way_;
};

}  // namespace lovage::broker::amqp
