#include "app/canvas_send.hpp"

#include "app/canvas_plan.hpp"
#include "app/sent_events.hpp"
#include "app/signature_message.hpp"

namespace lovage::detail {
namespace {

// Of a workflow's first messages this many stand in memory at once; workers begin with them while the next are made.
constexpr std::size_t calls_at_once = 250;

std::chrono::seconds kept_for(app_state const& app) {
  return std::chrono::ceil<std::chrono::seconds>(app.settings.result_expires());
}

expected<std::shared_ptr<backend::result_backend>> chord_backend(app_state& app, deadline until) {
  auto results = app.backend(until);
  if (!results || (*results)->abilities().chords) return results;
  return no_chord_counter("result_backend");
}

/// Publishes in batches; chords are announced before anything of theirs goes out.
class canvas_sender final : public canvas_sink {
 public:
  canvas_sender(app_state& app, std::size_t all, deadline until, canvas_progress const& progress)
      : app_{app}, all_{all}, until_{until}, progress_{progress}, tell_{app} {}

  expected<void> open(bool chords) {
    if (chords) {
      auto results = chord_backend(app_, until_);
      if (!results) return fail(results.error());
      results_ = *std::move(results);
    }
    if (app_.settings.task_always_eager()) return {};
    if (auto listening = app_.expect_replies(until_); !listening) return listening;
    auto producer = app_.producer(until_);
    if (!producer) return fail(producer.error());
    producer_ = *std::move(producer);
    auto const on = app_.sending_transport(until_);
    if (!on) return fail(on.error());
    able_ = (*on)->abilities();
    return {};
  }

  expected<void> announce(backend::chord_start chord, bool ahead) override {
    (ahead ? ahead_ : chords_).push_back(std::move(chord));
    return {};
  }

  expected<void> call(wire::signature task) override {
    auto made = call_of(std::move(task), {}, app_.publishing, app_.now());
    if (!made) return fail(made.error());
    names_.push_back(made->message.task);
    ids_.push_back(made->message.id);
    tell_.note(made->message, {made->queue, made->exchange, made->routing_key});
    auto out = outgoing_of(*std::move(made));
    if (!out) return fail(out.error());
    if (!producer_ || able_.exchanges) {
      batch_.push_back(*std::move(out));
    } else if (auto ok = app_.publishing.where.spread(*std::move(out), batch_); !ok) {
      return ok;
    }
    return ids_.size() < calls_at_once ? expected<void>{} : flush();
  }

  expected<void> flush() {
    auto done = start_chords();
    if (done) done = publish();
    if (!done && sent_ > 0) {
      auto info = done.error();
      info.detail += "; " + std::to_string(sent_) + " of " + std::to_string(all_) + " were sent";
      return fail(std::move(info));
    }
    if (!done) return done;
    sent_ += ids_.size();
    tell_after(names_, ids_, app_);
    bool const some = !ids_.empty();
    names_.clear(), ids_.clear(), batch_.clear();
    if (some && progress_) progress_(sent_, all_);
    return {};
  }

 private:
  expected<void> start_chords() {
    if (!chords_.empty())
      if (auto ok = results_->start_chords(chords_, kept_for(app_), until_); !ok) return ok;
    chords_.clear();
    if (ahead_.empty()) return {};
    auto ok = results_->start_chords(ahead_, backend::kept_bodies(kept_for(app_)), until_);
    ahead_.clear();
    return ok;
  }

  expected<void> publish() {
    if (batch_.empty()) return {};
    if (!producer_) return run_eagerly(app_, std::move(batch_));
    if (auto sent = producer_->publish(batch_, until_); !sent) return sent;
    tell_.send(*producer_, able_);
    return {};
  }

  app_state& app_;
  std::size_t const all_;
  deadline const until_;
  canvas_progress const& progress_;
  sent_events tell_;
  std::shared_ptr<backend::result_backend> results_;
  std::shared_ptr<broker::producer> producer_;  ///< none: tasks run in the caller
  broker::traits able_;
  std::vector<backend::chord_start> chords_, ahead_;
  std::vector<broker::outgoing> batch_;
  std::vector<std::string> names_;
  std::vector<task_id> ids_;
  std::size_t sent_ = 0;
};

}  // namespace

expected<wire::result_tuple> send_canvas(app_state& app, wire::signature workflow, deadline until,
                                         canvas_progress const& progress) {
  auto const name = workflow.task;
  auto c = canvas_of(std::move(workflow));
  if (!c) return fail(c.error());
  if (c->empty()) return fail(errc::invalid_argument, "this workflow has no task", name);
  freeze(*c, app.reply_to());
  choose_references(*c, app.publishing.inline_bodies);
  auto handle = handle_of(*c);
  canvas_sender sender{app, calls_of(*c), until, progress};
  if (auto ok = sender.open(has_chords(*c)); !ok) return fail(ok.error());
  if (auto ok = plan(*std::move(c), sender); !ok) return fail(ok.error());
  if (auto ok = sender.flush(); !ok) return fail(ok.error());
  return handle;
}

}  // namespace lovage::detail
