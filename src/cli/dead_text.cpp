#include "cli/dead_text.hpp"

#include "cli/print.hpp"
#include "wire/task_message.hpp"

#include <fmt/format.h>

namespace lovage::cli {
namespace {

std::string text_header(wire::envelope const& e, std::string_view key) {
  auto const* v = find(e.headers, key);
  auto const* text = v ? v->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

wire::decode_options everything() { return {{"json", "msgpack", "yaml"}}; }

}  // namespace

std::string task_of(wire::envelope const& e) {
  if (auto out = text_header(e, "task"); !out.empty()) return printable(out);
  auto const message = wire::decode_task(e, everything());  // protocol 1 has it in the body
  return message && !message->task.empty() ? printable(message->task) : "?";
}

std::string id_of(wire::envelope const& e) {
  auto out = text_header(e, "id");
  return out.empty() ? e.properties.correlation_id : out;
}

std::string one_line(std::string const& text, std::size_t max_size) {
  auto out = printable(text.substr(0, text.find('\n')));
  if (out.size() > max_size) {
    out.resize(max_size - 3);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    out += "...";
  }
  return out;
}

value dead_value(broker::dead_message const& d) {
  return value::map{{"id", d.id},
                    {"task", task_of(d.envelope)},
                    {"task_id", id_of(d.envelope)},
                    {"queue", d.queue.str()},
                    {"attempts", d.attempts},
                    {"died", moment_text(d.died_at)},
                    {"reason", d.reason},
                    {"headers", d.envelope.headers}};
}

std::string dead_text(broker::dead_message const& d) {
  auto out =
      fmt::format("message:   {}\ntask:      {}\ntask id:   {}\nqueue:     {}\nattempts:  {}\ndied:      {}\n", d.id,
                  task_of(d.envelope), printable(id_of(d.envelope)), d.queue.str(), d.attempts, moment_text(d.died_at));
  out += "reason:    " + printable(d.reason) + "\n";
  if (auto const message = wire::decode_task(d.envelope, everything())) {
    out += "args:      " + printable(wire::args_repr(message->args)) + "\n";
    out += "kwargs:    " + printable(wire::kwargs_repr(message->kwargs)) + "\n";
  } else {
    out += fmt::format("body:      {} bytes of {} that cannot be read: {}\n{}\n", d.envelope.body.size(),
                       d.envelope.content_type.empty() ? "unknown type" : printable(d.envelope.content_type),
                       message.error().text(), printable(d.envelope.body));
  }
  out += "headers:\n";
  for (auto const& h : d.envelope.headers) out += "  " + printable(h.key) + ": " + printable(wire::repr(h.val)) + "\n";
  return out;
}

}  // namespace lovage::cli
