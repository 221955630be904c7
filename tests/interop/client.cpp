// usage: interop_client SETTING=VALUE ...
// A C++ client under the command of a test: reads one JSON object a line, answers with one.
//
//     {"op": "send", "task": ..., "args": [], "kwargs": {}, "options": {}}  ->  {"id": ...}
//     {"op": "get", "id": ..., "timeout": seconds}   ->  {"value": ...} or {"error": code, "text": ..., "type": ...}
//     {"op": "status", "id": ...}                    ->  {"state", "result", "traceback", "date_done"}
//     {"op": "canvas", "signature": {...}}           ->  {"handle": [[id, parent], children]}
//     {"op": "typed", "queue": ...}                  ->  {"value": number of checks} or {"error": ...}
//
// Values travel as typed JSON (kombu's tags), whatever serializer the messages use.
#include "app/canvas_send.hpp"
#include "interop_tasks.hpp"
#include "wire/serializer.hpp"

#include <lovage/app.hpp>

#include <cstdio>
#include <iostream>
#include <string>

using namespace lovage;
using namespace std::chrono_literals;

namespace {

template <class T>
T member(value const& of, std::string_view key, T otherwise = {}) {
  auto const* v = of.find(key);
  auto const* t = v ? v->get_if<T>() : nullptr;
  return t ? *t : otherwise;
}

std::optional<double> number(value const& of, std::string_view key) {
  auto const* v = of.find(key);
  if (v == nullptr || v->is_null()) return std::nullopt;
  if (auto const* i = v->get_if<std::int64_t>()) return static_cast<double>(*i);
  if (auto const* d = v->get_if<double>()) return *d;
  throw error{errc::invalid_argument, std::string{key} + " is no number"};
}

raw_call call_of(value const& from);

// A template, so that it may ask whether call_options can do it.
template <class O>
void set_link(O& o, raw_call call, bool on_error) {
  if constexpr (requires { o.link(std::move(call)); }) {
    if (on_error) {
      o.link_error(std::move(call));
    } else {
      o.link(std::move(call));
    }
  } else {
    (void)on_error;
    throw error{errc::not_supported, "links"};
  }
}

call_options options_of(value const& from) {
  call_options o;
  for (auto const& [key, v] : *from.get_if<value::map>()) {
    if (key == "queue") o.queue(*v.get_if<std::string>());
    if (key == "serializer") o.serializer(*v.get_if<std::string>());
    if (key == "compression") o.compression(*v.get_if<std::string>());
    if (key == "priority") o.priority(static_cast<int>(*v.get_if<std::int64_t>()));
    if (key == "ignore_result") o.ignore_result(*v.get_if<bool>());
    if (key == "eta") o.eta(v.get_if<datetime>()->to_time_point());
    if (key == "expires_at") o.expires_at(v.get_if<datetime>()->to_time_point());
    if (key == "countdown") o.countdown(call_options::seconds{*number(from, key)});
    if (key == "expires") o.expires(call_options::seconds{*number(from, key)});
    if (key == "link") set_link(o, call_of(v), false);
    if (key == "link_error") set_link(o, call_of(v), true);
  }
  return o;
}

raw_call call_of(value const& from) {
  raw_call call;
  call.task = member<std::string>(from, "task");
  for (auto const& arg : member<value::list>(from, "args")) {
    call.packed_args += pack(arg);
    ++call.count;
  }
  call.kwargs = member<value::map>(from, "kwargs");
  if (auto const* options = from.find("options")) call.options = options_of(*options);
  return call;
}

value failure(error const& e) {
  value::map out{{"error", to_string(e.code())}, {"text", e.what()}};
  if (auto const* failed = dynamic_cast<task_failed const*>(&e)) {
    out.push_back({"type", failed->type()});
    out.push_back({"message", failed->message()});
    out.push_back({"module", failed->module()});
    out.push_back({"traceback", failed->traceback()});
  }
  return out;
}

interop::everything sample(bool with_huge) {
  interop::everything all;
  all.flag = true, all.small = -7, all.large = INT64_MIN, all.unsigned_large = UINT64_MAX;
  all.real = 0.1, all.text = "grüße 世界", all.octets = bytes{"text"};
  if (with_huge) all.huge = big_integer{"-1180591620717411303424"};
  all.numbers = {1, 2, 3}, all.shares = {{"a", 0.5}, {"b", 1.0}}, all.pair = {4, "four"};
  all.moment = datetime{1'577'934'245'678'901, 0}, all.day = date{18'263}, all.clock = time_of_day{11'045'600'000};
  all.id = *uuid::parse("12345678-1234-5678-1234-567812345678"), all.price = decimal{"1.50"};
  all.any = value{value::map{{"nested", value::list{1, "two", nullptr}}}};
  return all;
}

std::string packed(interop::everything const& all) {
  packer p;
  codec<interop::everything>::write(p, all);
  return std::move(p).out();
}

void expect(bool ok, char const* what) {
  if (!ok) throw error{errc::internal, std::string{"typed call: "} + what};
}

// What a program in C++ writes: declared tasks, typed arguments and results.
int typed_calls(app& on, value const& command) {
  auto const queue = member<std::string>(command, "queue");
  auto const all = sample(on.settings().task_serializer() != "msgpack");
  auto const back = on.send(interop::typed.s(all).queue(queue)).get(20s);
  expect(packed(back) == packed(all), "not the value that was sent");
  expect(on.send(interop::add.s(2, 3).queue(queue)).get(20s) == 5, "2 + 3");
  expect(on.send(interop::join.s("-", std::vector<std::string>{"a", "b"}, true).queue(queue)).get(20s) == "A-B",
         "join");
  on.send(interop::slow.s(0.0).queue(queue)).get(20s);
  auto const wrong = on.send(interop::echo.s(value{"text"}).queue(queue));
  auto const as_int = on.result<int>(wrong.id()).try_get(20s);
  expect(!as_int && as_int.error().code == errc::decode, "a text taken for an int");
  return 5;
}

value answer(app& on, value const& command) {
  auto const op = member<std::string>(command, "op");
  if (op == "send") {
    auto const sent = on.send(signature<value()>{call_of(command)});
    return value::map{{"id", sent.id().str()}};
  }
  if (op == "canvas") {
    auto workflow = wire::signature::from_value(*command.find("signature")).value();
    auto const handle = detail::send_canvas(*on.state(), std::move(workflow), 20s).value();
    return value::map{{"handle", handle.to_value()}};
  }
  if (op == "typed") return value::map{{"value", typed_calls(on, command)}};
  auto const result = on.result<value>(task_id{member<std::string>(command, "id")});
  if (op == "get") return value::map{{"value", result.get(call_options::seconds{*number(command, "timeout")})}};
  if (op == "forget") return result.forget(), value::map{};
  auto const s = result.status();
  return value::map{{"state", s.state}, {"result", s.result}, {"traceback", s.traceback}, {"date_done", s.date_done}};
}

int run(int argc, char** argv) {
  config settings;
  for (int i = 1; i < argc; ++i) settings.set_option(argv[i]);
  app on{settings};
  for (std::string line; std::getline(std::cin, line);) {
    value out;
    try {
      out = answer(on, wire::from_json(line).value());
    } catch (error const& e) {
      out = failure(e);
    }
    std::cout << wire::to_json(out, {.typed = true}).value() << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (std::exception const& e) {
  std::fprintf(stderr, "interop_client: %s\n", e.what());
  return 1;
}
