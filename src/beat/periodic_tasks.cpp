// What can be done with entries at run time, by programs and the command line.
#include "beat/dispatcher.hpp"
#include "beat/entry_fields.hpp"
#include "beat/heat.hpp"
#include "beat/own_entries.hpp"
#include "beat/store_choice.hpp"
#include "core/ids.hpp"
#include "wire/serializer.hpp"
#include "wire/signature.hpp"

#include <lovage/beat.hpp>
#include <lovage/signature_value.hpp>

#include <map>
#include <mutex>

namespace lovage {
namespace {

using beats::entry;

wire::signature signature_in(entry const& e) {
  return wire::signature::from_value(wire::from_json(e.call).value()).value();
}

std::optional<time_point> next_of(entry const& e, std::string const& zone, time_point after) {
  if (!e.enabled) return std::nullopt;
  auto const when = e.when.settled(e.name, zone);
  if (!when) return std::nullopt;
  if (e.with.start_) after = std::max(after, *e.with.start_ - std::chrono::microseconds{1});
  auto const due = when->next(after);
  if (!due || (e.with.end_ && *due >= *e.with.end_)) return std::nullopt;
  return beats::sending_time(e.name, *due, e.with);
}

error not_there(std::string_view name) {
  return {errc::invalid_argument, "there is no periodic task '" + std::string{name} + "'; 'list' shows them"};
}

}  // namespace

class periodic_tasks::impl {
 public:
  explicit impl(app& on)
      : app_{on.state()}, own_{beats::own_entries(*app_).value()}, choice_{beats::choose_store(*app_).value()} {}

  [[nodiscard]] deadline limit() const { return app_->operation_deadline(); }
  /// Opened at the first call, by one of those that come at the same time.
  beats::schedule_store& store() {
    std::lock_guard const lock{mutex_};
    if (!store_) store_ = beats::make_schedule_store(choice_.with, limit()).value();
    return *store_;
  }
  [[nodiscard]] std::string const& shown() const noexcept { return choice_.shown; }

  /// Those of the store, and those of this program that no scheduler has put there yet.
  std::map<std::string, entry, std::less<>> entries() {
    std::map<std::string, entry, std::less<>> out;
    auto all = store().read(0, limit()).value();
    for (auto& e : all.put) out.insert_or_assign(e.name, std::move(e));
    for (auto const& e : own_) out.try_emplace(e.name, e);
    return out;
  }
  entry wanted(std::string_view name) {
    auto all = entries();
    auto const at = all.find(name);
    if (at == all.end()) throw not_there(name);
    return std::move(at->second);
  }
  /// One that can be changed here.
  entry editable(std::string_view name) {
    auto out = wanted(name);
    if (out.from == beats::origin::code || out.from == beats::origin::configuration)
      throw error{errc::invalid_argument, "'" + out.name + "' comes from " + std::string{beats::to_string(out.from)} +
                                              "; change it there. It can be paused, resumed and run here"};
    return out;
  }
  void enable(std::string_view name, bool on) {
    if (store().enable(name, on, limit()).value()) return;
    for (auto const& e : own_) {  // no scheduler has run yet: the pause waits for it
      if (e.name != name) continue;
      auto copy = e;
      copy.enabled = on;
      return store().put({&copy, 1}, beats::put_mode::either, limit()).value();
    }
    throw not_there(name);
  }
  [[nodiscard]] periodic_task shown(entry const& e) const {
    periodic_task out;
    auto s = signature_in(e);
    out.name = e.name;
    out.schedule = e.when.text();
    out.words = e.when.words();
    out.task = std::move(s.task);
    out.args = std::move(s.args);
    out.kwargs = std::move(s.kwargs);
    out.options = std::move(s.options);
    out.with = e.with;
    out.origin = beats::to_string(e.from);
    out.enabled = e.enabled;
    out.last_run_at = e.last_run_at;
    auto const& zone = app_->settings.timezone();
    out.next_run_at = next_of(e, zone, std::max(app_->now(), e.counts_from));
    if (e.counts_from != time_point{}) out.due_at = next_of(e, zone, e.counts_from);  // else no scheduler knows it yet
    out.total_run_count = e.total_run_count;
    return out;
  }
  void put(entry const& e, beats::put_mode mode) {
    if (auto ok = detail::check_periodic_name(e.name); !ok) throw error{ok.error()};
    (void)e.when.settled(e.name, app_->settings.timezone()).value();
    store().put({&e, 1}, mode, limit()).value();
  }

  std::shared_ptr<detail::app_state> const app_;

 private:
  std::vector<entry> const own_;
  beats::store_choice const choice_;
  std::mutex mutex_;
  std::shared_ptr<beats::schedule_store> store_;
};

namespace {

void apply(entry& to, periodic_change const& change) {
  if (change.when) to.when = *change.when;
  auto s = signature_in(to);
  if (change.task) s.task = *change.task;
  if (change.args) s.args = *change.args;
  if (change.kwargs) s.kwargs = *change.kwargs;
  if (change.options) s.options = *change.options;
  to.call = beats::call_text(std::move(s.task), std::move(s.args), std::move(s.kwargs), std::move(s.options)).value();
  auto with = beats::option_map(to.with);
  for (auto const& [key, v] : change.with) {
    std::erase_if(with, [&](auto const& item) { return item.key == key; });
    if (!v.is_null()) with.push_back({key, v});
  }
  to.with = beats::read_options(with).value();
}

entry new_entry(std::string name, schedule const& when, std::string task) {
  return {std::move(name),
          when,
          beats::call_text(std::move(task), {}, {}, {}).value(),
          {},
          beats::origin::store,
          true,
          {},
          {},
          {},
          0};
}

}  // namespace

periodic_tasks::periodic_tasks(app& on) : impl_{std::make_unique<impl>(on)} {}
periodic_tasks::~periodic_tasks() = default;
periodic_tasks::periodic_tasks(periodic_tasks&&) noexcept = default;
periodic_tasks& periodic_tasks::operator=(periodic_tasks&&) noexcept = default;

std::string periodic_tasks::store() const { return impl_->shown(); }

std::vector<periodic_task> periodic_tasks::list() {
  std::vector<periodic_task> out;
  for (auto const& [name, e] : impl_->entries()) out.push_back(impl_->shown(e));
  return out;
}

std::optional<periodic_task> periodic_tasks::find(std::string_view name) {
  auto const all = impl_->entries();
  auto const at = all.find(name);
  return at == all.end() ? std::nullopt : std::optional{impl_->shown(at->second)};
}

void periodic_tasks::add_call(std::string name, schedule const& when, raw_call call, periodic_options const& with) {
  auto e = new_entry(std::move(name), when, call.task);
  e.with = with;
  auto s = wire::signature::from_value(detail::signature_value(call)).value();
  e.call = beats::call_text(std::move(s.task), std::move(s.args), std::move(s.kwargs), std::move(s.options)).value();
  impl_->put(e, beats::put_mode::make);
}

void periodic_tasks::add_named(std::string name, schedule const& when, std::string task, periodic_change const& more) {
  auto e = new_entry(std::move(name), when, std::move(task));
  apply(e, more);
  impl_->put(e, beats::put_mode::make);
}

void periodic_tasks::edit(std::string_view name, periodic_change const& change) {
  auto e = impl_->editable(name);
  apply(e, change);
  impl_->put(e, beats::put_mode::change);
}

void periodic_tasks::pause(std::string_view name) { impl_->enable(name, false); }
void periodic_tasks::resume(std::string_view name) { impl_->enable(name, true); }

void periodic_tasks::remove(std::string_view name) {
  auto const e = impl_->editable(name);
  if (!impl_->store().remove(e.name, impl_->limit()).value()) throw not_there(name);
}

task_id periodic_tasks::run(std::string_view name) {
  auto const e = impl_->wanted(name);
  std::vector<raw_call> calls;
  calls.push_back(beats::call_of_entry(e.call).value());
  calls.front().options.header(beats::entry_header, e.name);
  return detail::send_raw(*impl_->app_, std::move(calls), impl_->limit()).value().front();
}

heat_map periodic_tasks::heat(time_point from) {
  auto const all = impl_->entries();
  auto const zone = impl_->app_->settings.timezone();
  std::vector<schedule> settled;
  std::vector<beats::heat_source> sources;
  settled.reserve(all.size());  // they are pointed to
  for (auto const& [name, e] : all) {
    auto when = e.when.settled(name, zone);
    if (!e.enabled || !when) continue;
    settled.push_back(*std::move(when));
    sources.push_back({name, &settled.back(), beats::whole_us(e.with.spread_)});
  }
  auto const found = beats::heat_of(sources, from);
  auto const minute = [&](std::size_t n) { return found.begin + std::chrono::minutes{n}; };
  heat_map out{found.begin, found.per_minute, found.runs, {}, {}, beats::heat_lines(found, zone)};
  for (auto const& p : found.pile_ups) out.pile_ups.push_back({minute(p.minute), p.runs, p.entries, p.more});
  for (auto const& q : found.quiet) out.quiet.push_back({minute(q.first), minute(q.last), q.runs});
  return out;
}

}  // namespace lovage
