#include "summary.hpp"

#include <algorithm>
#include <cstdio>

namespace textstats {
namespace {

constexpr std::size_t words_shown = 10, files_shown = 5, failures_shown = 3;

std::string with_commas(std::uint64_t n) {
  auto text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

// The same error for two files is one group: the path goes out of the text.
std::string without(std::string text, std::string const& path) {
  auto const at = text.find(path);
  if (at != text.npos) text.replace(at, path.size(), "FILE");
  return text;
}

template <class T, class Before>
std::vector<T> first(std::vector<T> all, std::size_t n, Before before) {
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), before);
  all.resize(n);
  return all;
}

}  // namespace

void summary::add(std::string const& path, file_stats stats) {
  auto& total = kinds_[stats.kind];
  ++total.files;
  total.size += stats.size;
  total.lines += stats.lines;
  total.words += stats.words;
  for (auto& [word, count] : stats.top) words_[word] += count;
  ++contents_[stats.sha256];
  files_.push_back({path, std::move(stats.kind), stats.size, stats.words});
}

void summary::add_failure(std::string const& path, std::string error) {
  failures_[without(std::move(error), path)].push_back(path);
  ++failed_;
}

void summary::print() const {
  print_totals();
  print_words();
  print_largest();
  print_failures();
}

void summary::print_totals() const {
  kind_total all;
  std::printf("\n  %-8s %10s %16s %14s %14s\n", "kind", "files", "bytes", "lines", "words");
  auto const row = [](char const* kind, kind_total const& t) {
    std::printf("  %-8s %10s %16s %14s %14s\n", kind, with_commas(t.files).c_str(), with_commas(t.size).c_str(),
                with_commas(t.lines).c_str(), with_commas(t.words).c_str());
  };
  for (auto const& [kind, t] : kinds_) {
    row(kind.c_str(), t);
    all = {all.files + t.files, all.size + t.size, all.lines + t.lines, all.words + t.words};
  }
  row("all", all);
  if (auto const copies = files_.size() - contents_.size(); copies > 0)
    std::printf("  %s of the files have the same bytes as another one (by SHA-256)\n", with_commas(copies).c_str());
}

void summary::print_words() const {
  std::vector<word_count> const all{words_.begin(), words_.end()};
  auto const top = first(all, words_shown, [](auto const& a, auto const& b) {
    return std::pair{b.second, a.first} < std::pair{a.second, b.first};
  });
  if (top.empty()) return;
  std::printf("\n  most frequent words (four letters and more, from the top of each file)\n");
  for (auto const& [word, count] : top) {
    auto const stars = static_cast<int>(count * 40 / std::max<std::uint64_t>(1, top.front().second));
    std::printf("  %-14s %12s %s\n", word.c_str(), with_commas(count).c_str(),
                std::string(static_cast<std::size_t>(stars), '*').c_str());
  }
}

void summary::print_largest() const {
  auto const largest = first(files_, files_shown, [](auto const& a, auto const& b) { return a.size > b.size; });
  if (largest.empty()) return;
  std::printf("\n  largest files\n");
  for (auto const& f : largest)
    std::printf("  %16s %-7s %s\n", with_commas(f.size).c_str(), f.kind.c_str(), f.path.c_str());
}

void summary::print_failures() const {
  if (failures_.empty()) {
    std::printf("\n  no file failed\n");
    return;
  }
  std::printf("\n  %zu failed\n", failed_);
  for (auto const& [error, paths] : failures_) {
    std::printf("  %6zu  %s\n", paths.size(), error.c_str());
    for (std::size_t i = 0; i < std::min(failures_shown, paths.size()); ++i)
      std::printf("          %s\n", paths[i].c_str());
    if (paths.size() > failures_shown) std::printf("          ... and %zu more\n", paths.size() - failures_shown);
  }
}

std::string summary::largest_text() const {
  file_line const* best = nullptr;
  for (auto const& f : files_)
    if (f.kind == "text" && (best == nullptr || f.size > best->size)) best = &f;
  return best ? best->path : std::string{};
}

}  // namespace textstats
