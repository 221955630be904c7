#include "app/canvas_send.hpp"

#include "app/canvas_plan.hpp"
#include "app/sent_events.hpp"
#include "app/signature_message.hpp"
#include "core/ids.hpp"

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

  /// Comes first.
  expected<void> open() {
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

  /// Comes before the first chord.
  expected<void> count_chords() {
    if (results_) return {};
    auto results = chord_backend(app_, until_);
    if (!results) return fail(results.error());
    results_ = *std::move(results);
    return {};
  }

  expected<void> announce(backend::chord_start chord, bool ahead) override {
    (ahead ? ahead_ : chords_).push_back(std::move(chord));
    return {};
  }

  expected<void> call(wire::signature task) override {
    if (auto ok = tell_before(task, app_); !ok) return ok;
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
  if (has_chords(*c))
    if (auto ok = sender.count_chords(); !ok) return fail(ok.error());
  if (auto ok = sender.open(); !ok) return fail(ok.error());
  if (auto ok = plan(*std::move(c), sender); !ok) return fail(ok.error());
  if (auto ok = sender.flush(); !ok) return fail(ok.error());
  return handle;
}

namespace {

// Gives it its place in the group and sends it; its handle.
expected<wire::result_tuple> send_member(app_state& app, wire::signature member, std::string const& group,
                                         std::size_t index, canvas_sender& sender) {
  auto const name = member.task;
  auto c = canvas_of(std::move(member));
  if (!c) return fail(c.error());
  freeze(*c, app.reply_to());
  auto* last = last_task(*c);
  if (last == nullptr) return fail(errc::invalid_argument, "a member of this group does not end in one task", name);
  last->set_option("group_id", group);
  last->set_option("group_index", static_cast<std::int64_t>(index));
  choose_references(*c, app.publishing.inline_bodies);
  if (has_chords(*c))
    if (auto ok = sender.count_chords(); !ok) return fail(ok.error());
  auto handle = handle_of(*c);
  if (auto ok = plan(*std::move(c), sender); !ok) return fail(ok.error());
  return handle;
}

}  // namespace

expected<wire::result_tuple> send_members(app_state& app, std::function<std::optional<wire::signature>()> const& next,
                                          std::size_t all, deadline until, canvas_progress const& progress) {
  wire::result_tuple group{new_task_id().str(), {}, std::vector<wire::result_tuple>{}};
  canvas_sender sender{app, all, until, progress};
  if (auto ok = sender.open(); !ok) return fail(ok.error());
  group.children->reserve(all);
  while (auto member = next()) {
    auto handle = send_member(app, *std::move(member), group.id, group.children->size(), sender);
    if (!handle) return fail(handle.error());
    group.children->push_back(*std::move(handle));
  }
  if (auto ok = sender.flush(); !ok) return fail(ok.error());
  return group;
}

}  // namespace lovage::detail
