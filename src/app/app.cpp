#include "app/app_state.hpp"

namespace lovage {

app::app(config settings) : state_{std::make_shared<detail::app_state>(std::move(settings), detail::default_clock())} {}
app::~app() = default;
app::app(app&&) noexcept = default;
app& app::operator=(app&&) noexcept = default;

config const& app::settings() const noexcept { return state_->settings; }
task_registry& app::tasks() noexcept { return state_->tasks; }
app& app::route_with(router ask) { return state_->publishing.where.add(std::move(ask)), *this; }
app& app::before_publish(std::function<void(raw_call&)> f) {
  return state_->publishing.before.push_back(std::move(f)), *this;
}
app& app::after_publish(std::function<void(std::string const&, task_id const&)> f) {
  return state_->publishing.after.push_back(std::move(f)), *this;
}
deadline app::send_deadline() const { return state_->operation_deadline(); }

async_result<value> app::send_named(std::string name, value::list args, value::map kwargs, call_options options) {
  raw_call call{std::move(name), {}, args.size(), std::move(kwargs), std::move(options)};
  packer p;
  for (auto const& a : args) p.any(a);
  call.packed_args = std::move(p).out();
  auto const task = call.task;
  std::vector<raw_call> calls;
  calls.push_back(std::move(call));
  auto ids = detail::send_raw(*state_, std::move(calls), send_deadline()).value();
  return async_result<value>{state_, std::move(ids.front()), task};
}

}  // namespace lovage
