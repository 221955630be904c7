#include <lovage/drawing.hpp>

#include <string_view>

namespace lovage {
namespace {

struct look {
  std::string_view state, fill, name;
};
// Celery's states, in the colours that its monitors use.
constexpr look looks[] = {{"SUCCESS", "#b7e4b7", "success"}, {"FAILURE", "#f4b6b6", "failure"},
                          {"REVOKED", "#d9d9d9", "revoked"}, {"STARTED", "#b6d4f4", "started"},
                          {"RETRY", "#f6e0a4", "retry"},     {"", "#ffffff", "pending"}};

look const& look_of(std::string_view state) {
  for (auto const& l : looks)
    if (l.state == state) return l;
  return looks[std::size(looks) - 1];
}

std::string escaped(std::string_view text, std::string_view line_end, std::string_view quote) {
  std::string out;
  for (char const c : text) {
    if (c == '\n') {
      out += line_end;
    } else if (c == '"') {
      out += quote;
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c == '<' || c == '>') {
      out += c == '<' ? "&lt;" : "&gt;";
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

std::string drawing::mermaid() const {
  std::string out = "graph TD\n";
  for (std::size_t i = 0; i < boxes.size(); ++i)
    out += "  n" + std::to_string(i) + "[\"" + escaped(boxes[i].label, "<br/>", "#quot;") +
           "\"]:::" + std::string{look_of(boxes[i].state).name} + "\n";
  for (auto const& [from, to] : arrows) out += "  n" + std::to_string(from) + " --> n" + std::to_string(to) + "\n";
  for (auto const& l : looks)
    out += "  classDef " + std::string{l.name} + " fill:" + std::string{l.fill} + ",stroke:#555\n";
  return out;
}

std::string drawing::dot() const {
  std::string out = "digraph {\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n";
  for (std::size_t i = 0; i < boxes.size(); ++i)
    out += "  n" + std::to_string(i) + " [label=\"" + escaped(boxes[i].label, "\\n", "\\\"") + "\", fillcolor=\"" +
           std::string{look_of(boxes[i].state).fill} + "\"];\n";
  for (auto const& [from, to] : arrows) out += "  n" + std::to_string(from) + " -> n" + std::to_string(to) + ";\n";
  return out + "}\n";
}

}  // namespace lovage
