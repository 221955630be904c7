#include "worker/run_claims.hpp"

#include "core/log.hpp"

#include <algorithm>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds claims_kept_for = 24h;
// Two entries a task.
constexpr std::size_t remembered_claims = 20'000;

}  // namespace

run_claims::run_claims(std::chrono::seconds result_expires)
    : keep_{result_expires.count() == 0 ? result_expires : std::max(result_expires, claims_kept_for)} {}

expected<std::vector<bool>> run_claims::ask(backend::result_backend* results,
                                            std::span<backend::run_claim const> claims, deadline until) {
  if (results && !own_) {
    auto answers = results->claim_runs(claims, keep_, until);
    if (answers || answers.error().code != errc::not_supported) return answers;
  }
  if (!own_) {
    own_.emplace(remembered_claims);
    log::warning(
        "tasks come that are to run once, however often they are sent, and the result backend keeps no claims: a "
        "second "
        "sending is recognised only by the worker that ran the first one lately; use redis:// or sqlite:// "
        "(result_backend)");
  }
  std::vector<bool> out;
  for (auto const& c : claims) out.push_back(ask_own(c));
  return out;
}

bool run_claims::ask_own(backend::run_claim const& c) {
  auto const& id = c.id.str();
  auto const whole = id + ' ' + c.text;
  if (own_->contains(whole)) return true;
  if (own_->contains(id)) return false;
  own_->add(id);
  own_->add(whole);
  return true;
}

}  // namespace lovage::work
