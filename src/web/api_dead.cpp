// /api/v1/dead: messages that were given up, with why; mended and sent again.
#include "web/site.hpp"
#include "web/views.hpp"
#include "wire/task_message.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::web {
namespace {

wire::decode_options every_serializer() { return {{"json", "msgpack", "yaml"}}; }

std::string header_text(wire::envelope const& e, std::string_view key) {
  auto const* v = find(e.headers, key);
  auto const* text = v ? v->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

// Of the message as it was: its worker may read no other.
std::string serializer_of(wire::envelope const& e) {
  for (char const* name : {"msgpack", "yaml"})
    if (e.content_type.find(name) != std::string::npos) return name;
  return "json";
}

value dead_value(broker::dead_message const& d, bool masked) {
  auto const message = wire::decode_task(d.envelope, every_serializer());
  auto headers = d.envelope.headers;
  if (masked)
    for (auto& [key, v] : headers)
      if (key == "argsrepr" || key == "kwargsrepr") v = value{mask};
  auto const shown = [&](auto&& v) { return masked ? value{mask} : value{v}; };
  auto id = header_text(d.envelope, "id");
  if (id.empty()) id = d.envelope.properties.correlation_id;
  return value::map{{"id", std::to_string(d.id)},  // may be more than a JavaScript number holds
                    {"queue", d.queue.str()},
                    {"task", message ? message->task : header_text(d.envelope, "task")},
                    {"task_id", id},
                    {"reason", d.reason},
                    {"died", seconds_value(d.died_at)},
                    {"attempts", d.attempts},
                    {"args", message ? shown(message->args) : value{}},
                    {"kwargs", message ? shown(message->kwargs) : value{}},
                    {"headers", std::move(headers)}};
}

response show_dead(site& s, request const& r) {
  auto const limit = static_cast<std::size_t>(std::clamp(number_of(r.query, "limit").value_or(100), 1., 1'000.));
  auto const dead = s.inspector()->dead(queue_name{std::string{r.query.get("queue")}}, limit);
  if (!dead) return error_response(dead.error());
  auto const view = [&](auto const& d) { return dead_value(d, s.with.mask_arguments); };
  return json_response(value::map{{"messages", list_value(*dead, view)}});
}

struct chosen_dead {
  queue_name queue;
  std::vector<std::uint64_t> ids;
};

chosen_dead chosen_of(value::map const& body) {
  chosen_dead out{queue_name{text_of(body, "queue")}, {}};
  for (auto const& text : texts_of(body, "ids")) {
    std::uint64_t id = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failed != std::errc{} || end != text.data() + text.size())
      throw error{errc::invalid_argument, "'" + text + "' is no id of a dead message", "ids"};
    out.ids.push_back(id);
  }
  if (out.ids.empty() && out.queue.empty() && !flag_of(body, "all"))
    throw error{errc::invalid_argument, "say which: by `ids`, by `queue`, or `all`: true", "ids"};
  return out;
}

// In this order: at worst it is there twice, never lost.
response redrive_edited(site& s, chosen_dead const& which, value::map const& edit) {
  if (which.ids.size() != 1)
    throw error{errc::invalid_argument, "arguments are changed of one message at a time; name one id", "edit"};
  auto const look = s.inspector();
  auto const dead = look->dead_one(which.ids.front()).value();
  if (!dead) return error_response(404, "not_found", "there is no such dead message any more; load the list anew");
  auto message = wire::decode_task(dead->envelope, every_serializer()).value();
  if (auto const* args = find(edit, "args")) {
    auto const* list = args->get_if<value::list>();
    if (!list) throw error{errc::invalid_argument, "args must be an array", "edit"};
    message.args = *list;
    message.argsrepr = wire::args_repr(message.args);
  }
  if (auto const* kwargs = find(edit, "kwargs")) {
    auto const* map = kwargs->get_if<value::map>();
    if (!map) throw error{errc::invalid_argument, "kwargs must be an object", "edit"};
    message.kwargs = *map;
    message.kwargsrepr = wire::kwargs_repr(message.kwargs);
  }
  std::vector<broker::outgoing> out;
  wire::encode_options with;
  with.serializer = serializer_of(dead->envelope);
  out.push_back(detail::outgoing_of(message, dead->queue, with).value());
  s.on.state()->producer(site::soon()).value()->publish(out, site::soon()).value();
  (void)look->purge_dead(queue_name{}, which.ids).value();
  return json_response(value::map{{"done", 1}});
}

response act_on_dead(site& s, request const& r, bool redrive) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  auto const which = chosen_of(*body);
  auto const* edit = find(*body, "edit");
  auto const* changes = edit ? edit->get_if<value::map>() : nullptr;
  auto out = [&] {
    if (redrive && changes) return redrive_edited(s, which, *changes);
    auto const look = s.inspector();
    auto const n = redrive ? look->redrive(which.queue, which.ids) : look->purge_dead(which.queue, which.ids);
    return n ? json_response(value::map{{"done", *n}}) : error_response(n.error());
  }();
  s.eyes.look_again();
  return out;
}

}  // namespace

void add_dead_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/dead",
          .serve = [&s](request const& r) { return show_dead(s, r); },
          .summary = "The dead set, oldest first",
          .takes = {"queue: of this one alone", "limit: 100 unless given"}});
  to.add({.method = "POST",
          .pattern = "/api/v1/dead/redrive",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_dead(s, r, true); },
          .summary = "Sends dead messages back to their queue",
          .takes = {"ids: which", "queue: all of it", "all: true", "edit: {args, kwargs}, of one message"},
          .audited = true});
  to.add({.method = "POST",
          .pattern = "/api/v1/dead/purge",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_dead(s, r, false); },
          .summary = "Removes dead messages for good",
          .takes = {"ids: which", "queue: all of it", "all: true"},
          .audited = true});
}

}  // namespace lovage::web
