// What many `file_stats` come to, and how it is printed.
#pragma once

#include "textstats.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace textstats {

class summary {
 public:
  void add(std::string const& path, file_stats stats);
  /// `error` as "Type: message".
  void add_failure(std::string const& path, std::string error);
  /// Writes the tables to standard output.
  void print() const;
  /// Path of the largest text file; empty when there is none.
  [[nodiscard]] std::string largest_text() const;
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  struct kind_total {
    std::uint64_t files = 0, size = 0, lines = 0, words = 0;
  };
  struct file_line {
    std::string path, kind;
    std::uint64_t size = 0, words = 0;
  };
  void print_totals() const;
  void print_words() const;
  void print_largest() const;
  void print_failures() const;

  std::map<std::string, kind_total> kinds_;
  std::unordered_map<std::string, std::uint64_t> words_;
  std::unordered_map<std::string, std::size_t> contents_;  // by SHA-256
  std::vector<file_line> files_;
  std::map<std::string, std::vector<std::string>> failures_;  // error -> paths
  std::size_t failed_ = 0;
};

}  // namespace textstats
