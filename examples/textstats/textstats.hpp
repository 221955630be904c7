// Tasks that read files: names, types and what they return. Included by the plug-in and by the producer.
#pragma once

#include <lovage/task.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace textstats {

using word_count = std::pair<std::string, std::uint64_t>;

/// What `analyse` finds out about one file.
struct file_stats {
  std::string kind;             ///< text, gzip (of text) or binary
  std::uint64_t size = 0;       ///< bytes on disk
  std::uint64_t lines = 0;      ///< of text, unpacked where it was packed
  std::uint64_t words = 0;      ///< runs of letters
  std::string sha256;           ///< of the bytes on disk, as sha256sum prints it
  std::vector<word_count> top;  ///< most frequent first
};

/// Counts lines, words and the `top` most frequent words of at least four letters. Fails when it cannot read the file.
inline constexpr lovage::task<file_stats(std::string, std::uint32_t)> analyse{"textstats.analyse", {"path", "top"}};

/// One line of a file, counted from 1. Fails with std::out_of_range when the file is shorter.
inline constexpr lovage::task<std::string(std::string, std::uint64_t)> line{"textstats.line", {"path", "number"}};

/// Checks a list of files and reports its progress. Returns the SHA-256 of their SHA-256s.
inline constexpr lovage::task<std::string(std::vector<std::string>)> digest{"textstats.digest", {"paths"}};

/// Fails in its first run, as a server that is briefly away would make it, and is retried by the worker.
/// Returns in which run it worked.
inline constexpr lovage::task<int()> flaky{"textstats.flaky"};

}  // namespace textstats

// The line that makes the struct a result.
template <>
struct lovage::codec<textstats::file_stats>
    : lovage::fields<
          textstats::file_stats, lovage::field<"kind", &textstats::file_stats::kind>,
          lovage::field<"size", &textstats::file_stats::size>, lovage::field<"lines", &textstats::file_stats::lines>,
          lovage::field<"words", &textstats::file_stats::words>,
          lovage::field<"sha256", &textstats::file_stats::sha256>, lovage::field<"top", &textstats::file_stats::top>> {
};
