// Each script holds one table: the path of commands ("queues dead") and the words that may follow.
#include "cli/completion.hpp"

#include <functional>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct word {
  std::string text, help;
  bool takes_value = false;
};

struct place {
  std::string path;  ///< "" for the program itself
  std::vector<word> commands, options;
};

std::vector<word> options_of(CLI::App const& c) {
  std::vector<word> out;
  for (auto const* o : c.get_options()) {
    bool const takes_value = o->get_type_size_max() > 0;
    for (auto const& l : o->get_lnames()) out.push_back({"--" + l, o->get_description(), takes_value});
    for (auto const& s : o->get_snames()) out.push_back({"-" + s, o->get_description(), takes_value});
  }
  return out;
}

void collect(CLI::App const& c, std::string const& path, std::vector<place>& out) {
  place here{path, {}, options_of(c)};
  auto const subs = c.get_subcommands([](CLI::App const*) { return true; });
  for (auto const* sub : subs) here.commands.push_back({sub->get_name(), sub->get_description()});
  if (path == "completion") here.commands = {{"bash", ""}, {"zsh", ""}, {"fish", ""}};
  out.push_back(std::move(here));
  for (auto const* sub : subs) collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
}

std::string joined(place const& p) {
  std::string out;
  for (auto const* words : {&p.commands, &p.options})
    for (auto const& w : *words) out += (out.empty() ? "" : " ") + w.text;
  return out;
}

std::string with_values(std::vector<place> const& places) {
  std::vector<std::string> seen;
  std::string out;
  for (auto const& p : places)
    for (auto const& o : p.options) {
      if (!o.takes_value || std::find(seen.begin(), seen.end(), o.text) != seen.end()) continue;
      seen.push_back(o.text);
      out += (out.empty() ? "" : "|") + o.text;
    }
  return out;
}

std::string quoted(std::string_view text, std::string_view specials) {
  std::string out;
  for (char const c : text) {
    if (specials.find(c) != specials.npos) out += '\\';
    out += c;
  }
  return out;
}

// The commands among the words so far make the path; values of options are stepped over.
std::string bash_script(std::vector<place> const& places) {
  std::string out =
      "# bash completion for lovage: source <(lovage completion bash)\n"
      "_lovage_words() {\n  case \"$1\" in\n";
  for (auto const& p : places) out += "    '" + p.path + "') echo '" + joined(p) + "' ;;\n";
  out += "  esac\n}\n_lovage() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path='' i word skip=0\n";
  out +=
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=\"${COMP_WORDS[i]}\"\n"
      "    if ((skip)); then skip=0; continue; fi\n    case \"$word\" in\n";
  out += "      " + with_values(places) + ") skip=1 ;;\n      -*) ;;\n      *)\n";
  out +=
      "        local next=\"${path:+$path }$word\"\n"
      "        if [[ -n \"$(_lovage_words \"$next\")\" ]]; then path=\"$next\"; fi ;;\n    esac\n  done\n"
      "  COMPREPLY=()\n  if ((skip)) || [[ \"$cur\" == [./~]* ]]; then COMPREPLY=($(compgen -f -- \"$cur\"))\n"
      "  else COMPREPLY=($(compgen -W \"$(_lovage_words \"$path\")\" -- \"$cur\")); fi\n}\n"
      "complete -o filenames -o bashdefault -F _lovage lovage\n";
  return out;
}

std::string zsh_script(std::vector<place> const& places) {
  std::string out = "#compdef lovage\n_lovage() {\n  local path_='' word skip=0 i\n  local -a found\n";
  out +=
      "  for ((i = 2; i < CURRENT; i++)); do\n    word=\"${words[i]}\"\n    if ((skip)); then skip=0; continue; fi\n";
  out += "    case \"$word\" in\n      " + with_values(places) + ") skip=1 ;;\n      -*) ;;\n      *)\n";
  out += "        case \"${path_:+$path_ }$word\" in\n          ";
  for (std::size_t i = 1; i < places.size(); ++i) out += (i > 1 ? "|'" : "'") + places[i].path + "'";
  out += ") path_=\"${path_:+$path_ }$word\" ;;\n        esac ;;\n    esac\n  done\n";
  out += "  if ((skip)); then _files; return; fi\n  case \"$path_\" in\n";
  for (auto const& p : places) {
    out += "    '" + p.path + "') found=(";
    for (auto const* words : {&p.commands, &p.options})
      for (auto const& w : *words) {
        out += "\n      \"" + quoted(w.text + (w.help.empty() ? "" : ":" + w.help), "\"\\$`") + "\"";
      }
    out += ") ;;\n";
  }
  return out +
         "  esac\n  _describe 'lovage' found\n}\n"
         "if [ \"$funcstack[1]\" = '_lovage' ]; then _lovage \"$@\"; else compdef _lovage lovage; fi\n";
}

std::string fish_condition(std::string const& path) {
  if (path.empty()) return "__fish_use_subcommand";
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    auto const end = std::min(path.find(' ', at), path.size());
    out += (out.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string fish_script(std::vector<place> const& places) {
  std::string out = "# fish completion for lovage\n";
  for (auto const& p : places) {
    auto const head = "complete -c lovage -n '" + fish_condition(p.path) + "' ";
    for (auto const& w : p.commands) out += head + "-f -a '" + w.text + "' -d '" + quoted(w.help, "'\\") + "'\n";
    for (auto const& o : p.options) {
      bool const is_long = o.text.starts_with("--");
      out += head + (o.takes_value ? "-r " : "-f ") + (is_long ? "-l " : "-s ") + o.text.substr(is_long ? 2 : 1) +
             " -d '" + quoted(o.help, "'\\") + "'\n";
    }
  }
  return out;
}

}  // namespace

std::string completion_script(CLI::App const& root, std::string const& shell) {
  std::vector<place> places;
  collect(root, "", places);
  if (shell == "zsh") return zsh_script(places);
  return shell == "fish" ? fish_script(places) : bash_script(places);
}

}  // namespace lovage::cli
