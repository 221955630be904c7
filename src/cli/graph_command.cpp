// lovage graph
#include "cli/commands.hpp"
#include "cli/print.hpp"

#include <lovage/drawing.hpp>

#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct graph_args {
  std::string id, format = "mermaid";
};

int run_graph(session const& s, graph_args const& a) {
  auto on = s.open();
  auto const drawn = on.draw(task_id{a.id});
  print(a.format == "dot" ? drawn.dot() : drawn.mermaid());
  return 0;
}

constexpr char const* graph_footer = R"(Examples:
  lovage graph 5f0c...                               for Markdown, between ```mermaid and ```
  lovage graph 5f0c... --format dot | dot -Tsvg > g.svg

Colours tell states: green succeeded, red failed, blue running, yellow to be retried, grey revoked, white not begun.)";

}  // namespace

void add_graph(CLI::App& root, session& s) {
  auto const a = std::make_shared<graph_args>();
  auto* c = root.add_subcommand("graph", "Draw a workflow and how its tasks stand");
  c->add_option("ID", a->id, "Id of a workflow, of a saved group, or of a task, which is drawn with what came of it")
      ->required()
      ->type_name("");
  c->add_option("--format", a->format, "mermaid or dot")->check(CLI::IsMember({"mermaid", "dot"}))->type_name("");
  c->footer(graph_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_graph(s, *a); }; });
}

}  // namespace lovage::cli
