#include "summary.hpp"

#include <algorithm>
#include <cstdio>

namespace textstats {
namespace {

constexpr std::size_t failures_shown = 3;

std::string with_commas(std::uint64_t n) {
  auto text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

void print_kinds(totals const& found) {
  kind_total all;
  std::printf("\n  %-8s %10s %16s %14s %14s\n", "kind", "files", "bytes", "lines", "words");
  auto const row = [](char const* kind, kind_total const& t) {
    std::printf("  %-8s %10s %16s %14s %14s\n", kind, with_commas(t.files).c_str(), with_commas(t.size).c_str(),
                with_commas(t.lines).c_str(), with_commas(t.words).c_str());
  };
  for (auto const& [kind, t] : found.kinds) {
    row(kind.c_str(), t);
    all = {all.files + t.files, all.size + t.size, all.lines + t.lines, all.words + t.words};
  }
  row("all", all);
  if (found.copies > 0)
    std::printf("  %s of the files have the same bytes as another one (by SHA-256)\n",
                with_commas(found.copies).c_str());
}

void print_words(std::vector<word_count> const& top) {
  if (top.empty()) return;
  std::printf("\n  most frequent words (four letters and more, from the top of each file)\n");
  for (auto const& [word, count] : top) {
    auto const stars = static_cast<int>(count * 40 / std::max<std::uint64_t>(1, top.front().second));
    std::printf("  %-14s %12s %s\n", word.c_str(), with_commas(count).c_str(),
                std::string(static_cast<std::size_t>(stars), '*').c_str());
  }
}

void print_largest(std::vector<large_file> const& largest) {
  if (largest.empty()) return;
  std::printf("\n  largest files\n");
  for (auto const& f : largest)
    std::printf("  %16s %-7s %s\n", with_commas(f.size).c_str(), f.kind.c_str(), f.path.c_str());
}

void print_failures(totals const& found) {
  std::size_t failed = 0;
  for (auto const& [error, paths] : found.failures) failed += paths.size();
  if (failed == 0) {
    std::printf("\n  no file failed\n");
    return;
  }
  std::printf("\n  %zu failed\n", failed);
  for (auto const& [error, paths] : found.failures) {
    std::printf("  %6zu  %s\n", paths.size(), error.c_str());
    for (std::size_t i = 0; i < std::min(failures_shown, paths.size()); ++i)
      std::printf("          %s\n", paths[i].c_str());
    if (paths.size() > failures_shown) std::printf("          ... and %zu more\n", paths.size() - failures_shown);
  }
}

}  // namespace

void print(totals const& found) {
  print_kinds(found);
  print_words(found.words);
  print_largest(found.largest);
  print_failures(found);
}

}  // namespace textstats
