#include "find_files.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace textstats {
namespace {

namespace fs = std::filesystem;

// A path travels as text, and text on the wire is UTF-8. Over-long forms and surrogates pass here; the wire refuses
// them too, and such names are not met in practice.
bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    auto const c = static_cast<unsigned char>(s[i++]);
    int const more = c < 0x80                ? 0
                     : c >= 0xc2 && c < 0xe0 ? 1
                     : c >= 0xe0 && c < 0xf0 ? 2
                     : c >= 0xf0 && c < 0xf5 ? 3
                                             : -1;
    if (more < 0) return false;
    for (int k = 0; k < more; ++k, ++i)
      if (i >= s.size() || (static_cast<unsigned char>(s[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

void look_into(fs::path const& dir, found_files& out) {
  std::error_code why;
  fs::directory_iterator at{dir, why};
  for (; !why && at != fs::directory_iterator{}; at.increment(why)) {
    auto const type = at->symlink_status(why).type();
    if (type == fs::file_type::directory) look_into(at->path(), out);
    if (type != fs::file_type::regular) continue;
    auto path = at->path().string();
    if (is_utf8(path)) {
      out.paths.push_back(std::move(path));
    } else {
      out.passed_over.emplace_back(std::move(path), "the name is no UTF-8");
    }
  }
  if (why) out.passed_over.emplace_back(dir.string(), why.message());
}

}  // namespace

found_files find_files(std::string const& root) {
  auto const dir = fs::canonical(root);
  (void)fs::directory_iterator{dir};  // throws when it is none
  found_files out;
  look_into(dir, out);
  std::sort(out.paths.begin(), out.paths.end());
  return out;
}

}  // namespace textstats
