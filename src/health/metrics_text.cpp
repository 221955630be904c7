#include "health/metrics_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lovage::health {

std::string escaped_label(std::string_view label) {
  std::string out;
  for (char const c : label) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

void runtime_histogram::add(double runtime) {
  seconds += runtime;
  ++runs[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), runtime) - bounds.begin())];
}

void metrics_page::head(char const* name, char const* type, char const* help) {
  text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void metrics_page::line(std::string_view name, std::string_view labels, double n) {
  text += fmt::format("{}{{{}}} {}\n", name, labels, n);
}

void metrics_page::line(std::string_view name, std::string_view labels, std::uint64_t n) {
  text += fmt::format("{}{{{}}} {}\n", name, labels, n);
}

void metrics_page::histogram(std::string const& name, std::string const& labels, runtime_histogram const& of) {
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < of.runs.size(); ++i) {
    auto const end = i < of.bounds.size() ? fmt::format("{}", of.bounds[i]) : std::string{"+Inf"};
    line(name + "_bucket", fmt::format("{},le=\"{}\"", labels, end), up_to += of.runs[i]);
  }
  line(name + "_sum", labels, of.seconds);
  line(name + "_count", labels, up_to);
}

}  // namespace lovage::health
