// Running a task in the caller, for tests of users' programs (setting task_always_eager).
#include "app/app_state.hpp"
#include "core/log.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"
#include "execute/workflow.hpp"

#include <deque>
#include <iterator>
#include <utility>

namespace lovage::detail {
namespace {

class eager_host final : public invoke_host {
 public:
  eager_host(backend::result_backend& results, wire::result_record state, std::chrono::seconds expires, deadline until)
      : results_{results}, state_{std::move(state)}, expires_{expires}, until_{until} {}
  void update_state(std::string_view state, std::string_view packed_meta) override {
    if (state == "lovage.add_to_chord") return added_.push_back(unpacker{packed_meta}.any());
    state_.status = state;
    state_.result = unpacker{packed_meta}.any();
    (void)results_.store({&state_, 1}, expires_, until_);
  }
  void send_event(std::string_view, std::string_view) override {}  // an eager app has no monitors
  [[nodiscard]] int stop_requested() const noexcept override { return 0; }
  void log(int level, std::string_view text) override { log::write(static_cast<log::level>(level), text); }
  /// What the body added to its chord.
  [[nodiscard]] std::vector<value> take_added() { return std::move(added_); }

 private:
  backend::result_backend& results_;
  wire::result_record state_;
  std::chrono::seconds expires_;
  deadline until_;
  std::vector<value> added_;
};

execute::policy eager_policy(app_state const& app) {
  execute::policy p;
  p.tasks = &app.tasks.internals();
  p.defaults = task_options::defaults(app.settings);
  p.accept.accept_content = {"json", "msgpack", "yaml"};
  p.node = "eager@localhost";
  p.publishing = app.publishing;
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

// A message that a task caused: at once, whatever its time.
broker::delivery as_delivered(broker::outgoing&& from) {
  for (auto& header : from.envelope.headers)
    if (header.key == "eta") header.val = value{};
  return {1, std::move(from.queue), std::move(from.envelope), from.priority, 0, false};
}

class eager_run {
 public:
  eager_run(app_state& app, backend::result_backend& results, deadline until)
      : app_{app},
        with_{eager_policy(app)},
        results_{results},
        expires_{std::chrono::ceil<std::chrono::seconds>(app.settings.result_expires())},
        until_{until} {}

  // Deliveries, then what they caused: retries, links, next steps, bodies of chords.
  expected<void> run(std::deque<broker::delivery> todo) {
    expected<void> outcome;
    for (; !todo.empty(); todo.pop_front()) {
      auto done = run_one(std::move(todo.front()), todo);
      if (!done) return fail(done.error());
      if (outcome && app_.settings.task_eager_propagates()) outcome = propagate(*done);
    }
    return outcome;
  }

 private:
  expected<std::vector<wire::result_record>> run_one(broker::delivery&& from, std::deque<broker::delivery>& todo) {
    execute::effects out;
    if (auto r = execute::take_in(std::move(from), with_, app_.now(), out)) {
      eager_host host{results_, execute::make_record(*r, with_, "", {}), expires_, until_};
      auto const end = invoke(*r->entry, with_.tasks->hooks(), execute::pack_request(*r, with_),
                              execute::pack_arguments(r->message), host);
      r->added = host.take_added();
      execute::conclude(*r, end, with_, app_.now(), {}, out);
    }
    auto& records = out.records;
    std::vector<wire::result_record> stored;
    for (;;) {
      if (auto sent = send(std::exchange(out.sequels, {}), out, todo); !sent) return fail(sent.error());
      if (auto kept = results_.store(records, expires_, until_); !kept) return fail(kept.error());
      std::move(records.begin(), records.end(), std::back_inserter(stored));
      records.clear();
      if (auto counted = count(out); !counted) return fail(counted.error());
      if (out.sequels.empty() && records.empty() && out.parts.empty()) break;
    }
    if (auto ended = results_.end_chords(out.ended, until_); !ended) return fail(ended.error());
    return stored;
  }

  expected<void> send(std::vector<execute::sequel>&& sequels, execute::effects& out,
                      std::deque<broker::delivery>& todo) {
    for (auto& then : sequels) {
      auto known = results_.start_chords(then.chords.now, expires_, until_);
      if (known) known = results_.start_chords(then.chords.later, backend::kept_bodies(expires_), until_);
      for (auto const& g : then.grown)
        if (known) known = results_.grow_chord(g.group, g.added, until_);
      if (!known) return known;
      for (auto& message : then.messages) todo.push_back(as_delivered(std::move(message)));
      out.add(std::move(then));
    }
    return {};
  }

  expected<void> count(execute::effects& out) {
    auto const parts = std::exchange(out.parts, {});
    for (auto const& p : parts) {
      auto ends = results_.count_parts({&p.part, 1}, {&p.body, 1}, expires_, until_);
      if (!ends) return fail(ends.error());
      for (auto& end : *ends) execute::conclude_chord(std::move(end), &p, with_, app_.now(), out);
    }
    return {};
  }

  app_state& app_;
  execute::policy const with_;
  backend::result_backend& results_;
  std::chrono::seconds const expires_;
  deadline const until_;
};

}  // namespace

static expected<void> run_all_eagerly(app_state& app, std::deque<broker::delivery> todo) {
  auto const until = app.operation_deadline();
  auto results = app.backend(until);
  if (!results) return fail(results.error());
  return eager_run{app, **results, until}.run(std::move(todo));
}

expected<void> run_eagerly(app_state& app, wire::task_message message) {
  auto delivery = as_delivered(std::move(message), app);
  if (!delivery) return fail(delivery.error());
  std::deque<broker::delivery> todo;
  todo.push_back(*std::move(delivery));
  return run_all_eagerly(app, std::move(todo));
}

expected<void> run_eagerly(app_state& app, std::vector<broker::outgoing> messages) {
  std::deque<broker::delivery> todo;
  for (auto& m : messages) todo.push_back(as_delivered(std::move(m)));
  return run_all_eagerly(app, std::move(todo));
}

}  // namespace lovage::detail
