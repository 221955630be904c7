#include "io/link.hpp"

#include <algorithm>
#include <cstdint>

namespace lovage::io {

link::link(policy how, clock::time_point now, std::function<double()> uniform)
    : policy_{how}, uniform_{std::move(uniform)}, due_{now} {
  if (policy_.shuffle) address_ = static_cast<std::size_t>(uniform_() * static_cast<double>(policy_.addresses));
}

bool link::due(clock::time_point now) {
  if (phase_ != phase::back_off || now < due_) return false;
  phase_ = phase::connect;
  return true;
}

void link::connected() noexcept {
  if (phase_ == phase::connect) phase_ = phase::set_up;
}

void link::ready() noexcept {
  if (phase_ != phase::set_up) return;
  phase_ = phase::run;
  failures_ = 0;
}

void link::lost(clock::time_point now) {
  if (phase_ == phase::closed || phase_ == phase::drain) return close();
  bool const ran = phase_ == phase::run;
  phase_ = phase::back_off;
  due_ = now;
  if (ran) return;  // the same address again, at once: it may be back already
  auto const n = policy_.addresses;
  if (n > 1)
    address_ =
        (address_ + 1 + (policy_.shuffle ? static_cast<std::size_t>(uniform_() * static_cast<double>(n - 1)) : 0)) % n;
  // All addresses are tried once before anybody waits.
  auto const round = failures_++ / n;
  if (n > 1 && failures_ % n != 0) return;
  auto const doubled = policy_.first_delay * (std::int64_t{1} << std::min<std::size_t>(round, 16));
  std::chrono::duration<double, std::milli> const full = std::min(doubled, policy_.longest_delay);
  due_ += std::chrono::duration_cast<clock::duration>(full * (0.5 + 0.5 * uniform_()));
}

void link::drain() noexcept { phase_ = phase_ == phase::run ? phase::drain : phase::closed; }

}  // namespace lovage::io
