// Tasks that read files: names, types and what they return. Included by the plug-in and by the producer.
#pragma once

#include <lovage/task.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace textstats {

using word_count = std::pair<std::string, std::uint64_t>;

/// What `analyse` finds out about one file. A file that cannot be read is a finding too: a task that fails would fail
/// the whole count.
struct file_stats {
  std::string path;
  std::string error;            ///< "type: message" when it cannot be read; then nothing below counts
  std::string kind;             ///< text, gzip (of text) or binary
  std::uint64_t size = 0;       ///< bytes on disk
  std::uint64_t lines = 0;      ///< of text, unpacked where it was packed
  std::uint64_t words = 0;      ///< runs of letters
  std::string sha256;           ///< of the bytes on disk, as sha256sum prints it
  std::vector<word_count> top;  ///< most frequent first
};

struct kind_total {
  std::uint64_t files = 0, size = 0, lines = 0, words = 0;
};
struct large_file {
  std::string path, kind;
  std::uint64_t size = 0;
};

/// What many `file_stats` come to.
struct totals {
  std::map<std::string, kind_total> kinds;
  std::uint64_t copies = 0;                                  ///< files with the same bytes as another one
  std::vector<word_count> words;                             ///< most frequent first
  std::vector<large_file> largest;                           ///< largest first
  std::string largest_text;                                  ///< its path; empty when there is none
  std::map<std::string, std::vector<std::string>> failures;  ///< error to paths
};

/// Counts lines, words and the `top` most frequent words of at least four letters.
inline constexpr lovage::task<file_stats(std::string, std::uint32_t)> analyse{"textstats.analyse", {"path", "top"}};

/// Adds up what is known of many files.
inline constexpr lovage::task<totals(std::vector<file_stats>)> merge{"textstats.merge", {"files"}};

/// One line of a file, counted from 1. Fails with std::out_of_range when the file is shorter.
inline constexpr lovage::task<std::string(std::string, std::uint64_t)> line{"textstats.line", {"path", "number"}};

/// Checks a list of files and reports its progress. Returns the SHA-256 of their SHA-256s.
inline constexpr lovage::task<std::string(std::vector<std::string>)> digest{"textstats.digest", {"paths"}};

/// Fails in its first run, as a server that is briefly away would make it, and is retried by the worker.
/// Returns in which run it worked.
inline constexpr lovage::task<int()> flaky{"textstats.flaky"};

}  // namespace textstats

// The lines that make the structs arguments and results.
template <>
struct lovage::codec<textstats::file_stats>
    : lovage::fields<
          textstats::file_stats, lovage::field<"path", &textstats::file_stats::path>,
          lovage::field<"error", &textstats::file_stats::error>, lovage::field<"kind", &textstats::file_stats::kind>,
          lovage::field<"size", &textstats::file_stats::size>, lovage::field<"lines", &textstats::file_stats::lines>,
          lovage::field<"words", &textstats::file_stats::words>,
          lovage::field<"sha256", &textstats::file_stats::sha256>, lovage::field<"top", &textstats::file_stats::top>> {
};
template <>
struct lovage::codec<textstats::kind_total>
    : lovage::fields<textstats::kind_total, lovage::field<"files", &textstats::kind_total::files>,
                     lovage::field<"size", &textstats::kind_total::size>,
                     lovage::field<"lines", &textstats::kind_total::lines>,
                     lovage::field<"words", &textstats::kind_total::words>> {};
template <>
struct lovage::codec<textstats::large_file>
    : lovage::fields<textstats::large_file, lovage::field<"path", &textstats::large_file::path>,
                     lovage::field<"kind", &textstats::large_file::kind>,
                     lovage::field<"size", &textstats::large_file::size>> {};
template <>
struct lovage::codec<textstats::totals>
    : lovage::fields<textstats::totals, lovage::field<"kinds", &textstats::totals::kinds>,
                     lovage::field<"copies", &textstats::totals::copies>,
                     lovage::field<"words", &textstats::totals::words>,
                     lovage::field<"largest", &textstats::totals::largest>,
                     lovage::field<"largest_text", &textstats::totals::largest_text>,
                     lovage::field<"failures", &textstats::totals::failures>> {};
