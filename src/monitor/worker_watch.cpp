#include "monitor/worker_watch.hpp"

#include "config/masking.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

struct question {
  char const* command;
  value worker_details::*answer;
  bool of_all;  // or of one alone
};

constexpr question questions[] = {
    {"stats", &worker_details::stats, true},
    {"active_queues", &worker_details::active_queues, true},
    {"registered", &worker_details::registered, true},
    {"active", &worker_details::active, true},
    {"conf", &worker_details::conf, true},
    {"reserved", &worker_details::reserved, false},
    {"scheduled", &worker_details::scheduled, false},
};

value::map arguments_of(std::string_view command) {
  if (command == "registered") return {{"taskinfoitems", value::list{"rate_limit"}}};
  if (command == "conf") return {{"with_defaults", false}};
  return {};
}

void note(node_reply const& r, question const& q, time_point now, std::map<std::string, worker_details>& to) {
  if (r.error()) return;
  auto& d = to[r.node];
  d.asked = now;
  d.*q.answer = std::string_view{q.command} == "conf" ? settings::masked(r.payload) : r.payload;
}

}  // namespace

expected<std::map<std::string, worker_details>> worker_watch::ask(std::vector<std::string> const& names) {
  std::map<std::string, worker_details> out;
  if (names.empty()) return out;
  if (!with_ || names_ != names) with_ = std::make_unique<remote_control>(app_, control_options{}.destination(names));
  names_ = names;
  for (auto const& q : questions) {
    if (!q.of_all) continue;
    if (stopped_) break;
    auto const replies = with_->try_broadcast(q.command, arguments_of(q.command));
    if (!replies) {
      with_.reset();
      return fail(replies.error());
    }
    if (replies->empty()) break;
    for (auto const& r : *replies) note(r, q, app_->now(), out);
  }
  return out;
}

expected<worker_details> worker_watch::ask_one(std::string const& name, deadline until) {
  std::map<std::string, worker_details> out;
  auto const left = std::min(std::chrono::duration<double>(until.left()).count(), 2.0);
  remote_control with{app_, control_options{}.destination({name}).timeout(std::chrono::duration<double>{left})};
  for (auto const& q : questions) {
    auto const replies = with.try_broadcast(q.command, arguments_of(q.command));
    if (!replies) return fail(replies.error());
    if (replies->empty())
      return fail(errc::timeout, "worker " + name + " does not answer; does it run, and on the same broker?", name);
    for (auto const& r : *replies) note(r, q, app_->now(), out);
  }
  return out.contains(name) ? out[name] : worker_details{};
}

}  // namespace lovage::monitor
