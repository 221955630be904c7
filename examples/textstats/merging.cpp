#include "merging.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace textstats {
namespace {

constexpr std::size_t words_kept = 10, files_kept = 5;

// The same error for two files is one group: the path goes out of the text.
std::string without(std::string text, std::string const& path) {
  auto const at = text.find(path);
  if (at != text.npos) text.replace(at, path.size(), "FILE");
  return text;
}

template <class T, class Before>
void keep_first(std::vector<T>& all, std::size_t n, Before before) {
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), before);
  all.resize(n);
}

void add(kind_total& to, file_stats const& f) {
  ++to.files;
  to.size += f.size;
  to.lines += f.lines;
  to.words += f.words;
}

std::vector<word_count> most_frequent(std::vector<file_stats> const& files) {
  std::unordered_map<std::string, std::uint64_t> counts;
  for (auto const& f : files)
    for (auto const& [word, count] : f.top) counts[word] += count;
  std::vector<word_count> out{counts.begin(), counts.end()};
  keep_first(out, words_kept, [](auto const& a, auto const& b) {
    return std::pair{b.second, a.first} < std::pair{a.second, b.first};
  });
  return out;
}

}  // namespace

totals merged(std::vector<file_stats> const& files) {
  totals out;
  std::set<std::string> contents;
  std::uint64_t largest_text = 0;
  for (auto const& f : files) {
    if (!f.error.empty()) {
      out.failures[without(f.error, f.path)].push_back(f.path);
      continue;
    }
    add(out.kinds[f.kind], f);
    if (!contents.insert(f.sha256).second) ++out.copies;
    out.largest.push_back({f.path, f.kind, f.size});
    if (f.kind == "text" && (out.largest_text.empty() || f.size > largest_text)) {
      out.largest_text = f.path;
      largest_text = f.size;
    }
  }
  out.words = most_frequent(files);
  keep_first(out.largest, files_kept, [](auto const& a, auto const& b) { return a.size > b.size; });
  return out;
}

}  // namespace textstats
