#include "app/app_state.hpp"

#include <lovage/signature_value.hpp>

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

// A name is a text of its own in stores and on the command line.
void detail::add_periodic(app_state& app, std::string name, schedule const& when, raw_call call,
                          periodic_options const& with) {
  if (auto ok = check_periodic_name(name); !ok) throw error{ok.error()};
  for (auto const& p : app.periodic)
    if (p.name == name) throw error{errc::invalid_argument, "there is a periodic task '" + name + "' already"};
  check_call(call);
  app.periodic.push_back({std::move(name), when, std::move(call), with});
}

expected<void> detail::check_periodic_name(std::string_view name) {
  if (name.empty() || name.size() > longest_periodic_name)
    return fail(errc::invalid_argument, "the name of a periodic task has 1 to 200 octets",
                std::string{name.substr(0, 80)});
  for (unsigned char const c : name)
    if (c < ' ' || c == 127)
      return fail(errc::invalid_argument, "no control character can stand in the name of a periodic task");
  return {};
}

}  // namespace lovage
