#include "beat/redis/redis_store.hpp"

#include "beat/redis/scripts.hpp"
#include "beat/row.hpp"
#include "redis/client.hpp"

#include <charconv>

namespace lovage::beats {
namespace {

using lovage::redis::commands;
using lovage::redis::repeat;
using lovage::redis::reply;
using lovage::redis::script;

// One script is one step of the server, during which nobody else is served; one pipeline is what memory holds at once.
constexpr std::size_t decisions_at_once = 1'000, entries_at_once = 5'000;

std::string us_text(time_point t) { return std::to_string(t.time_since_epoch().count()); }

std::optional<std::int64_t> number_in(reply const& r) {
  if (r.type == reply::kind::integer) return r.integer;
  std::int64_t out = 0;
  auto const [end, fault] = std::from_chars(r.text.data(), r.text.data() + r.text.size(), out);
  if (!r.is_text() || fault != std::errc{} || end != r.text.data() + r.text.size()) return std::nullopt;
  return out;
}

std::optional<time_point> moment_in(reply const& r) {
  auto const us = number_in(r);
  return us ? std::optional{time_point{std::chrono::microseconds{*us}}} : std::nullopt;
}

class redis_schedules final : public schedule_store {
 public:
  redis_schedules(std::unique_ptr<lovage::redis::client> on, std::string prefix, now_fn now)
      : client_{std::move(on)}, prefix_{std::move(prefix)}, now_{std::move(now)} {}

  [[nodiscard]] traits abilities() const override { return {.clock_of_server = true}; }
  expected<changes> read(std::uint64_t since, deadline until) override;
  expected<void> put(std::span<entry const> entries, put_mode mode, deadline until) override;
  expected<bool> remove(std::string_view name, deadline until) override;
  expected<bool> enable(std::string_view name, bool on, deadline until) override;
  expected<void> sync(std::span<entry const> own, deadline until) override;
  expected<leadership> lead(std::string_view who, std::chrono::milliseconds lease, deadline until) override;
  expected<void> resign(std::string_view who, deadline until) override;
  expected<std::vector<bool>> claim(std::uint64_t term, std::span<decision const> all, deadline until) override;
  expected<void> note_sent(std::span<sent_note const> all, deadline until) override;
  expected<std::vector<occurrence>> take_over(std::uint64_t term, std::size_t limit, deadline until) override;
  /// The server forgets claims by itself.
  expected<std::uint64_t> cleanup(deadline) override { return std::uint64_t{0}; }

 private:
  using words = std::vector<std::string>;
  expected<reply> run(script const& what, words const& arguments, deadline until) const;
  expected<std::vector<reply>> answers(commands const& what, deadline until) const;
  /// What stands behind the leading 1; `conflict` when a 0 leads.
  static expected<std::vector<reply>> under_term(expected<reply> said);
  /// One hash an entry, as far as they are there.
  expected<std::vector<entry>> fetch(std::vector<std::string> const& names, deadline until) const;
  expected<entry_rows> rows_of(std::vector<std::string> const& names, deadline until) const;
  expected<std::vector<std::string>> names(std::uint64_t since, deadline until) const;
  static void add_row(words& to, std::string const& name, entry_row const& row, entry_row const* before);

  std::unique_ptr<lovage::redis::client> const client_;
  std::string const prefix_;
  now_fn const now_;
  script const write_{redis::write_text}, enable_{redis::enable_text}, lead_{redis::lead_text},
      resign_{redis::resign_text}, claim_{redis::claim_text}, note_sent_{redis::note_sent_text},
      take_over_{redis::take_over_text};
};

expected<reply> redis_schedules::run(script const& what, words const& arguments, deadline until) const {
  std::vector<std::string_view> all{prefix_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return client_->eval(what, {}, all, repeat::yes, until);
}

expected<std::vector<reply>> redis_schedules::answers(commands const& what, deadline until) const {
  auto said = client_->run(what, repeat::yes, until);
  if (!said) return said;
  for (auto const& r : *said)
    if (r.is_error()) return fail(lovage::redis::to_error(r));
  return said;
}

expected<std::vector<reply>> redis_schedules::under_term(expected<reply> said) {
  if (!said) return fail(said.error());
  auto items = std::move(said->items);
  if (items.empty()) return fail(errc::internal, "the server's answer is no list");
  bool const good = items.front().integer == 1;
  items.erase(items.begin());
  if (good) return items;
  return fail(errc::conflict, "another scheduler leads: " + (items.empty() ? std::string{} : items.front().text));
}

expected<std::vector<std::string>> redis_schedules::names(std::uint64_t since, deadline until) const {
  auto const from = "(" + std::to_string(since);
  auto const said = answers(commands::of({"ZRANGEBYSCORE", prefix_ + "changed", from, "+inf"}), until);
  if (!said) return fail(said.error());
  std::vector<std::string> out;
  for (auto const& r : said->front().items) out.push_back(r.text);
  return out;
}

expected<std::vector<entry>> redis_schedules::fetch(std::vector<std::string> const& names, deadline until) const {
  std::vector<entry> out;
  for (std::size_t first = 0; first < names.size(); first += entries_at_once) {
    auto const n = std::min(entries_at_once, names.size() - first);
    commands c;
    for (std::size_t i = first; i < first + n; ++i)
      c.add({"HMGET", prefix_ + "entry:" + names[i], "definition", "origin", "enabled", "counts_from", "last_due",
             "last_run_at", "total"});
    auto const said = answers(c, until);
    if (!said) return fail(said.error());
    for (std::size_t i = 0; i < n; ++i) {
      auto const& f = (*said)[i].items;
      if (f.size() < 7 || f[0].is_nil()) continue;  // removed meanwhile
      auto e = entry_of_row(names[first + i], {f[0].text, static_cast<origin>(number_in(f[1]).value_or(2)),
                                               f[2].text == "1", moment_in(f[3]).value_or(time_point{})});
      if (!e) continue;
      e->last_due = moment_in(f[4]);
      e->last_run_at = moment_in(f[5]);
      e->total_run_count = number_in(f[6]).value_or(0);
      out.push_back(*std::move(e));
    }
  }
  return out;
}

expected<entry_rows> redis_schedules::rows_of(std::vector<std::string> const& names, deadline until) const {
  auto all = fetch(names, until);
  if (!all) return fail(all.error());
  entry_rows out;
  for (auto const& e : *all) out.emplace(e.name, entry_row{definition_text(e), e.from, e.enabled, e.counts_from});
  return out;
}

expected<changes> redis_schedules::read(std::uint64_t since, deadline until) {
  auto const lead = answers(commands::of({"HMGET", prefix_ + "lead", "counter", "all_from"}), until);
  if (!lead) return fail(lead.error());
  changes out;
  out.counter = static_cast<std::uint64_t>(number_in(lead->front().items.at(0)).value_or(0));
  out.all = since == 0 || since > out.counter ||
            since < static_cast<std::uint64_t>(number_in(lead->front().items.at(1)).value_or(0));
  if (!out.all && out.counter == since) return out;
  auto const changed = names(out.all ? 0 : since, until);
  if (!changed) return fail(changed.error());
  auto entries = fetch(*changed, until);
  if (!entries) return fail(entries.error());
  out.put = *std::move(entries);
  return out;
}

void redis_schedules::add_row(words& to, std::string const& name, entry_row const& row, entry_row const* before) {
  bool const keeps = before != nullptr && before->counts_from == row.counts_from;
  to.insert(to.end(), {name, row.definition, std::to_string(static_cast<int>(row.from)), row.enabled ? "1" : "0",
                       keeps ? "" : us_text(row.counts_from)});
}

expected<void> redis_schedules::put(std::span<entry const> entries, put_mode mode, deadline until) {
  std::vector<std::string> names;
  for (auto const& e : entries) names.push_back(e.name);
  auto const before = rows_of(names, until);
  if (!before) return fail(before.error());
  words w{mode == put_mode::make     ? "make"
          : mode == put_mode::change ? "change"
                                     : "either",
          std::to_string(entries.size())};
  for (auto const& e : entries) {
    auto const there = before->find(e.name);
    auto const* old = there == before->end() ? nullptr : &there->second;
    add_row(w, e.name, row_after_put(e, old, now_()), old);
  }
  auto const said = run(write_, w, until);
  if (!said) return fail(said.error());
  return said->is_text() ? check_put(mode, said->text, mode == put_mode::make) : expected<void>{};
}

expected<bool> redis_schedules::remove(std::string_view name, deadline until) {
  auto const there = answers(commands::of({"EXISTS", prefix_ + "entry:" + std::string{name}}), until);
  if (!there) return fail(there.error());
  if (there->front().integer == 0) return false;
  auto const said = run(write_, {"either", "0", std::string{name}}, until);
  return said ? expected<bool>{true} : fail(said.error());
}

expected<bool> redis_schedules::enable(std::string_view name, bool on, deadline until) {
  auto const said = run(enable_, {std::string{name}, on ? "1" : "0", us_text(now_())}, until);
  return said ? expected<bool>{said->integer == 1} : fail(said.error());
}

expected<void> redis_schedules::sync(std::span<entry const> own, deadline until) {
  auto const all = names(0, until);
  if (!all) return fail(all.error());
  auto const before = rows_of(*all, until);
  if (!before) return fail(before.error());
  auto const plan = plan_sync(own, *before, now_());
  if (plan.put.empty() && plan.remove.empty()) return {};
  words w{"either", std::to_string(plan.put.size())};
  for (auto const& [name, row] : plan.put) {
    auto const there = before->find(name);
    add_row(w, name, row, there == before->end() ? nullptr : &there->second);
  }
  w.insert(w.end(), plan.remove.begin(), plan.remove.end());
  auto const said = run(write_, w, until);
  return said ? expected<void>{} : fail(said.error());
}

expected<leadership> redis_schedules::lead(std::string_view who, std::chrono::milliseconds lease, deadline until) {
  auto const said = run(lead_, {std::string{who}, std::to_string(lease.count())}, until);
  if (!said) return fail(said.error());
  if (said->items.size() != 3) return fail(errc::internal, "the server's answer is no list of three");
  return leadership{said->items[0].integer == 1, static_cast<std::uint64_t>(said->items[1].integer),
                    said->items[2].text};
}

expected<void> redis_schedules::resign(std::string_view who, deadline until) {
  auto const said = run(resign_, {std::string{who}}, until);
  return said ? expected<void>{} : fail(said.error());
}

// One after the other where there are many; a connection that broke may have claimed them: those are taken over.
expected<std::vector<bool>> redis_schedules::claim(std::uint64_t term, std::span<decision const> all, deadline until) {
  std::vector<bool> out;
  for (std::size_t first = 0; first < all.size(); first += decisions_at_once) {
    words w{std::to_string(term)};
    for (auto const& d : all.subspan(first, std::min(decisions_at_once, all.size() - first)))
      w.insert(w.end(), {std::string{d.entry}, us_text(d.due), d.send ? "1" : "0"});
    auto const said = under_term(run(claim_, w, until));
    if (!said) return fail(said.error());
    for (auto const& r : *said) out.push_back(r.integer == 1);
  }
  return out;
}

expected<void> redis_schedules::note_sent(std::span<sent_note const> all, deadline until) {
  for (std::size_t first = 0; first < all.size(); first += decisions_at_once) {
    words w{std::to_string(std::chrono::seconds{claim_kept}.count())};
    for (auto const& n : all.subspan(first, std::min(decisions_at_once, all.size() - first)))
      w.insert(w.end(), {std::string{n.entry}, us_text(n.due), us_text(n.at), !n.counts ? "2" : n.last ? "1" : "0"});
    if (auto const said = run(note_sent_, w, until); !said) return fail(said.error());
  }
  return {};
}

expected<std::vector<occurrence>> redis_schedules::take_over(std::uint64_t term, std::size_t limit, deadline until) {
  auto const age = std::to_string(std::chrono::milliseconds{claim_life}.count());
  auto const said = under_term(run(take_over_, {std::to_string(term), age, std::to_string(limit)}, until));
  if (!said) return fail(said.error());
  std::vector<occurrence> out;
  for (auto const& r : *said) {
    std::int64_t due = 0;
    auto const* const end = r.text.data() + r.text.size();
    auto const [at, fault] = std::from_chars(r.text.data(), end, due);
    if (fault == std::errc{} && at != end)
      out.push_back({std::string{at + 1, end}, time_point{std::chrono::microseconds{due}}});
  }
  return out;
}

}  // namespace

expected<std::shared_ptr<schedule_store>> make_redis_store(store_settings with, deadline) {
  auto prefix = lovage::redis::text_option(with.connection.options, "global_keyprefix");
  if (!prefix) return fail(prefix.error());
  auto on = lovage::redis::client::make(with.connection);
  if (!on) return fail(on.error());
  return std::shared_ptr<schedule_store>{
      std::make_shared<redis_schedules>(*std::move(on), *prefix + "lovage.beat.", std::move(with.now))};
}

}  // namespace lovage::beats
