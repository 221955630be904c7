// Running a task in the caller, for tests of users' programs (setting task_always_eager).
#include "app/app_state.hpp"
#include "core/log.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"

namespace lovage::detail {
namespace {

class eager_host final : public invoke_host {
 public:
  eager_host(backend::result_backend& results, wire::result_record state, std::chrono::seconds expires, deadline until)
      : results_{results}, state_{std::move(state)}, expires_{expires}, until_{until} {}
  void update_state(std::string_view state, std::string_view packed_meta) override {
    state_.status = state;
    state_.result = unpacker{packed_meta}.any();
    (void)results_.store({&state_, 1}, expires_, until_);
  }
  [[nodiscard]] bool stop_requested() const noexcept override { return false; }
  void log(int level, std::string_view text) override { log::write(static_cast<log::level>(level), text); }

 private:
  backend::result_backend& results_;
  wire::result_record state_;
  std::chrono::seconds expires_;
  deadline until_;
};

execute::policy eager_policy(app_state const& app) {
  execute::policy p;
  p.tasks = &app.tasks.internals();
  p.defaults = task_options::defaults(app.settings);
  p.accept.accept_content = {"json", "msgpack", "yaml"};
  p.node = "eager@localhost";
  p.serializer = app.publishing.serializer;
  p.uniform = [] { return 0.0; };
  return p;
}

// Arguments go through the serializer, so that what could not be sent fails here too.
expected<broker::delivery> as_delivered(wire::task_message message, app_state const& app) {
  message.eta.reset();
  auto sent = wire::encode_task(message, {app.publishing.serializer, app.publishing.compression, false});
  if (!sent) return fail(sent.error());
  return broker::delivery{1, route(app.publishing, message.task), *std::move(sent), 0, 0, false};
}

expected<void> propagate(std::vector<wire::result_record> const& records) {
  for (auto const& r : records)
    if (auto why = status_of(r).failure(); why && r.ready()) return fail(*std::move(why));
  return {};
}

}  // namespace

expected<void> run_eagerly(app_state& app, wire::task_message message) {
  auto const until = app.operation_deadline();
  auto results = app.backend(until);
  if (!results) return fail(results.error());
  auto delivery = as_delivered(std::move(message), app);
  if (!delivery) return fail(delivery.error());
  auto const with = eager_policy(app);
  auto const expires = std::chrono::ceil<std::chrono::seconds>(app.settings.result_expires());
  execute::effects out;
  auto r = execute::take_in(*std::move(delivery), with, app.now(), out);
  for (bool again = r.has_value(); again; ++r->message.retries) {
    out.clear();
    eager_host host{**results, execute::make_record(*r, with, "", {}), expires, until};
    auto const end = invoke(*r->entry, execute::pack_request(*r, with), execute::pack_arguments(r->message), host);
    execute::conclude(*r, end, with, app.now(), {}, out);
    again = !out.publish.empty();
  }
  if (auto stored = (*results)->store(out.records, expires, until); !stored) return stored;
  return app.settings.task_eager_propagates() ? propagate(out.records) : expected<void>{};
}

}  // namespace lovage::detail
