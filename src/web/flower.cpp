#include "web/flower.hpp"

#include "web/views.hpp"
#include "wire/result_record.hpp"

#include <algorithm>

namespace lovage::web::flower {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<std::string> last_of(fields const& all, std::string_view name) {
  std::optional<std::string> out;
  for (auto const& [key, text] : all.items())
    if (key == name) out = std::string{trimmed(text)};
  return out;
}

value moment(std::optional<time_point> at) { return seconds_value(at); }
value iso(std::optional<time_point> at) { return at ? value{wire::to_iso(*at)} : value{}; }

}  // namespace

std::optional<std::string> argument(request const& r, std::string_view name) {
  bool const form = r.headers.get("content-type").starts_with("application/x-www-form-urlencoded");
  if (form)
    if (auto out = last_of(decode_form(r.body), name)) return out;
  return last_of(r.query, name);
}

std::string needed(request const& r, std::string_view name) {
  auto out = argument(r, name);
  if (!out) throw error{errc::invalid_argument, "Missing argument " + std::string{name}, std::string{name}};
  return *std::move(out);
}

bool flag(request const& r, std::string_view name) {
  auto word = argument(r, name).value_or("");
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(c | 0x20); });
  for (char const* yes : {"true", "yes", "on", "t", "y"})
    if (word == yes) return true;
  return argument(r, name) == "1";
}

std::optional<double> number(request const& r, std::string_view name) {
  auto const text = argument(r, name);
  if (!text || text->empty()) return std::nullopt;
  fields one;
  one.add(std::string{name}, *text);
  return number_of(one, name);
}

response refuse(int status, std::string text) { return text_response(std::move(text), status); }
response message(std::string text) { return json_response(value::map{{"message", std::move(text)}}); }

void need_worker(site& s, std::string const& name) {
  auto const now = s.eyes.latest();
  bool const known =
      std::any_of(now->workers.begin(), now->workers.end(), [&](auto const& w) { return w.seen.name == name; });
  if (!known) throw error{errc::not_registered, "Unknown worker '" + name + "'"};
}

void need_task(site& s, std::string const& name) {
  if (s.on.tasks().contains(name)) return;
  for (auto const& w : s.eyes.latest()->workers) {
    if (!w.said) continue;
    auto const tasks = w.said->tasks();
    if (std::find(tasks.begin(), tasks.end(), name) != tasks.end()) return;
  }
  auto const seen = s.eyes.kept().names(site::soon()).value();
  if (std::find(seen.begin(), seen.end(), name) == seen.end())
    throw error{errc::not_registered, "Unknown task '" + name + "'"};
}

value task_map(monitor::task_record const& t, bool masked) {
  auto const shown = [&](std::string const& text) { return masked && !text.empty() ? value{mask} : text_value(text); };
  // Neither is told by the only event of a task that was revoked or expired before it was received.
  bool const described = t.sent || t.received;
  return value::map{{"uuid", t.id},
                    {"name", text_value(t.name)},
                    {"state", t.state},
                    {"received", moment(t.received)},
                    {"sent", moment(t.sent)},
                    {"started", moment(t.started)},
                    {"rejected", moment(t.rejected)},
                    {"succeeded", moment(t.succeeded)},
                    {"failed", moment(t.failed)},
                    {"retried", moment(t.retried)},
                    {"revoked", moment(t.revoked)},
                    {"args", shown(t.args)},
                    {"kwargs", shown(t.kwargs)},
                    {"eta", iso(t.eta)},
                    {"expires", iso(t.expires)},
                    {"retries", described ? value{t.retries} : value{}},
                    {"worker", text_value(t.worker)},
                    {"result", shown(t.result)},
                    {"exception", shown(t.exception)},
                    {"timestamp", seconds_value(t.updated)},
                    {"runtime", optional_value(t.runtime)},
                    {"traceback", shown(t.traceback)},
                    {"exchange", text_value(t.exchange)},
                    {"routing_key", text_value(t.routing_key)},
                    {"clock", t.clock},
                    {"client", text_value(t.client)},
                    {"root", text_value(t.root)},
                    {"root_id", described || t.root != t.id ? text_value(t.root) : value{}},
                    {"parent", text_value(t.parent)},
                    {"parent_id", text_value(t.parent)},
                    {"children", value::list{}}};
}

void add_result(value::map& to, task_status const& status, bool masked) {
  if (masked) return to.push_back({"result", value{mask}});
  auto const exception = wire::exception_info::from_value(status.result);
  bool const failed = status.state == wire::state::failure;
  to.push_back(
      {"result", exception && status.state != wire::state::success ? value{exception->repr_text()} : status.result});
  if (failed) to.push_back({"traceback", text_value(status.traceback)});
}

}  // namespace lovage::web::flower
