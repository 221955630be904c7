#include "pool/prefork/process_title.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace lovage::pool {
namespace {

constexpr std::string_view title_variable = "LOVAGE_TITLE_SPACE";
constexpr std::size_t title_space = 240;

/// Where the arguments of this process begin; null when /proc does not tell.
char* start_of_arguments() {
  std::ifstream file{"/proc/self/stat"};
  std::string const text{std::istreambuf_iterator<char>{file}, {}};
  auto const after_name = text.rfind(')');
  if (after_name == text.npos) return nullptr;
  std::istringstream rest{text.substr(after_name + 1)};
  std::string word;
  for (int field = 3; field < 48; ++field) rest >> word;  // proc(5): 48 is arg_start
  std::uintptr_t at = 0;
  rest >> at;
  return reinterpret_cast<char*>(at);  // NOLINT: that is how the kernel says it
}

}  // namespace

std::string process_title::variable(std::string_view worker) {
  std::string out{title_variable};
  out += '=';
  out += worker.substr(0, title_space);
  out.resize(title_variable.size() + 1 + title_space, ' ');
  return out;
}

process_title process_title::claim() {
  process_title out;
  auto* const first = environ != nullptr ? *environ : nullptr;
  bool const ours = first != nullptr && std::string_view{first}.starts_with(std::string{title_variable} + "=");
  std::string_view value = ours ? std::string_view{first}.substr(title_variable.size() + 1) : std::string_view{};
  value = value.substr(0, value.find_last_not_of(' ') + 1);
  out.worker_ = value;
  auto* const begin = start_of_arguments();
  if (ours && begin != nullptr && begin < first && std::getenv("NOSETPS") == nullptr) {
    out.at_ = begin;
    out.room_ = static_cast<std::size_t>(first - begin) + std::strlen(first);
  }
  ::unsetenv(std::string{title_variable}.c_str());
  return out;
}

void process_title::show(std::string_view role, std::string_view what) noexcept {
  if (at_ == nullptr) return;
  std::size_t used = 0;
  auto const put = [&](std::string_view piece) {
    auto const n = std::min(piece.size(), room_ - used);
    std::copy_n(piece.data(), n, at_ + used);
    used += n;
  };
  put("[lovage: ");
  put(worker_);
  if (!worker_.empty()) put(":");
  put(role);
  if (!what.empty()) put(": ");
  put(what);
  put("]");
  std::memset(at_ + used, 0, room_ + 1 - used);
}

}  // namespace lovage::pool
