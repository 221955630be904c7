#include "health/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace lovage::health {
namespace {

using namespace std::chrono_literals;

// The manager's end, in the abstract name space.
class ServiceManager : public ::testing::Test {
 protected:
  ServiceManager() : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)} {
    name_ = "@lovage-test-" + std::to_string(::getpid());
    ::sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path + 1, name_.data() + 1, name_.size() - 1);
    auto const size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<::sockaddr const*>(&at), size), 0);
  }
  ~ServiceManager() override { ::close(fd_); }
  std::string heard() const {
    std::array<char, 512> buffer{};
    auto const n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return n > 0 ? std::string{buffer.data(), static_cast<std::size_t>(n)} : std::string{};
  }

  int fd_;
  std::string name_;
};

TEST_F(ServiceManager, HearsThatTheServiceIsReadyAliveAndStopping) {
  service_manager const to{name_, 10s};
  to.ready("consuming");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=consuming");
  to.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  to.reloading();
  EXPECT_TRUE(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  to.stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
  EXPECT_EQ(to.interval(), 5s);
}

TEST_F(ServiceManager, IsNotSpokenToWhenNobodyListens) {
  service_manager const none{"", 10s};
  none.ready("consuming");
  EXPECT_EQ(none.interval(), std::nullopt);
  service_manager const gone{"/nonexistent/notify", std::nullopt};
  gone.ready("consuming");
  EXPECT_EQ(gone.interval(), std::nullopt);
  EXPECT_EQ(heard(), "");
}

}  // namespace
}  // namespace lovage::health
