#include "worker/fault_log.hpp"

#include <algorithm>

namespace lovage::work {

using namespace std::chrono_literals;

namespace {
constexpr auto repeat_after = 30s;
constexpr auto another_after = 5s;  // two failures that take turns must not fill the log either
}  // namespace

std::optional<std::string> fault_log::failed(std::string_view what, error_info const& why, clock::time_point now) {
  if (count_++ == 0) since_ = now;
  std::string text = "cannot " + std::string{what} + ": " + why.text();
  bool const again = text == last_;
  if (count_ > 1 && now - said_ < (again ? repeat_after : another_after)) return std::nullopt;
  last_ = text;
  said_ = now;
  if (!again) return text + "; nothing is lost, it is tried again";
  auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
  return text + " (for " + std::to_string(seconds) + " s, " + std::to_string(count_) + " attempts)";
}

std::optional<std::string> fault_log::works(clock::time_point now) {
  if (count_ == 0) return std::nullopt;
  auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
  count_ = 0;
  last_.clear();
  return "broker and backend work again, after " + std::to_string(seconds) + " s";
}

std::chrono::milliseconds fault_log::wait() const noexcept {
  return std::min<std::chrono::milliseconds>(1000ms, 10ms * (1 << std::clamp(count_, 0, 7)));
}

}  // namespace lovage::work
