#include "beat/own_entries.hpp"

#include "app/registry.hpp"
#include "app/signature_message.hpp"
#include "beat/entry_fields.hpp"
#include "wire/serializer.hpp"

#include <map>

namespace lovage::beats {
namespace {

constexpr char const* cleanup_name = "celery.backend_cleanup";

expected<entry> entry_of_code(detail::periodic_call const& p) {
  auto s = detail::signature_of(p.call);
  if (!s) return fail(s.error());
  auto call = call_text(std::move(s->task), std::move(s->args), std::move(s->kwargs), std::move(s->options));
  if (!call) return fail(call.error().code, "the periodic task '" + p.name + "': " + call.error().text());
  return entry{p.name, p.when, *std::move(call), p.with, origin::code, true, {}, {}, {}, 0};
}

}  // namespace

expected<std::vector<entry>> own_entries(detail::app_state const& app) {
  std::map<std::string, entry> all;
  for (auto const& p : app.tasks.internals().periodic()) {
    auto e = entry_of_members(p.name, p.spec);
    if (!e) return fail(e.error().code, e.error().detail, p.source);
    e->from = origin::code;
    all.insert_or_assign(p.name, *std::move(e));
  }
  for (auto const& p : app.periodic) {
    auto e = entry_of_code(p);
    if (!e) return fail(e.error());
    all.insert_or_assign(p.name, *std::move(e));
  }
  for (auto const& [name, members] : app.settings.beat_schedule()) {
    auto e = entry_of_members(name, members);
    if (!e) return fail(e.error().code, e.error().detail, "beat_schedule");
    e->from = origin::configuration;
    all.insert_or_assign(name, *std::move(e));
  }
  std::vector<entry> out;
  for (auto& [name, e] : all) out.push_back(std::move(e));
  return out;
}

std::optional<entry> cleanup_entry(detail::app_state& app, deadline until) {
  if (!app.has_backend() || app.settings.result_expires().count() == 0) return std::nullopt;
  auto const results = app.backend(until);
  if (!results) return std::nullopt;
  auto const can = (*results)->abilities();
  if (!can.keeps_records || can.clock_of_server) return std::nullopt;
  auto call = call_text(cleanup_name, {}, {}, {{"expires", 12 * 3600}});
  if (!call) return std::nullopt;
  return entry{cleanup_name, crontab{"0 4 * * *"}, *std::move(call), {}, origin::configuration, true, {}, {}, {}, 0};
}

}  // namespace lovage::beats
