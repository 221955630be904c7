#include "web/assets.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <zlib.h>

namespace lovage::web {
namespace {

constexpr char const* page_file = "index.html";

std::shared_ptr<std::string const> gzipped(std::string_view text) {
  z_stream z{};
  if (text.size() < 512 || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return nullptr;
  auto out = std::make_shared<std::string>(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out->data());
  z.avail_out = static_cast<uInt>(out->size());
  bool const whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
  out->resize(z.total_out);
  deflateEnd(&z);
  if (!whole || out->size() >= text.size()) return nullptr;
  return out;
}

bool takes_gzip(request const& r) { return r.headers.get("accept-encoding").find("gzip") != std::string_view::npos; }

// Nothing that leads out of the folder.
bool is_plain_path(std::string_view path) {
  return path.find("..") == std::string_view::npos && path.find('\0') == std::string_view::npos &&
         path.find('\\') == std::string_view::npos && !path.starts_with('/');
}

response no_page() {
  return text_response(
      "This lovage was built without the dashboard's pages (LOVAGE_WEB=OFF, or no front end in the source).\n"
      "Build it with -DLOVAGE_WEB=ON, or start it with --assets DIR. The API is here: /openapi.json\n",
      404);
}

}  // namespace

assets::assets(std::string folder) : folder_{std::move(folder)} {
  if (!folder_.empty()) return;
  for (auto const& each : embedded_assets())
    built_in_[std::string{each.path}] = {std::make_shared<std::string const>(each.content), gzipped(each.content)};
}

std::optional<assets::file> assets::find(std::string const& path) const {
  if (folder_.empty()) {
    auto const at = built_in_.find(path);
    return at == built_in_.end() ? std::nullopt : std::optional{at->second};
  }
  if (!is_plain_path(path)) return std::nullopt;
  std::ifstream in{folder_ + "/" + path, std::ios::binary};
  if (!in) return std::nullopt;
  auto text = std::make_shared<std::string>(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  if (in.bad()) return std::nullopt;
  return file{std::move(text), nullptr};
}

response assets::serve(request const& r) const {
  std::string path = r.path.empty() ? std::string{} : r.path.substr(1);
  auto found = path.empty() ? std::nullopt : find(path);
  // An escaped part, such as a worker's name, may hold dots: only a path below assets/ must be a file.
  bool const page = !found && !path.starts_with("assets/") && path != "favicon.ico";
  if (page) found = find(path = page_file);
  if (!found) return page ? no_page() : error_response(404, "not_found", "there is no such page", r.path);
  response out;
  out.type = type_of_file(path);
  out.headers.add("Cache-Control", never_changes(path) ? "public, max-age=31536000, immutable" : "no-cache");
  out.headers.add("Vary", "Accept-Encoding");
  bool const packed = found->packed && takes_gzip(r);
  if (packed) out.headers.add("Content-Encoding", "gzip");
  out.shared = packed ? found->packed : found->plain;
  return out;
}

std::string type_of_file(std::string_view path) {
  static constexpr std::pair<std::string_view, char const*> types[] = {{".html", "text/html; charset=utf-8"},
                                                                       {".js", "text/javascript; charset=utf-8"},
                                                                       {".css", "text/css; charset=utf-8"},
                                                                       {".svg", "image/svg+xml"},
                                                                       {".png", "image/png"},
                                                                       {".ico", "image/x-icon"},
                                                                       {".json", "application/json"},
                                                                       {".woff2", "font/woff2"},
                                                                       {".txt", "text/plain; charset=utf-8"},
                                                                       {".webmanifest", "application/manifest+json"}};
  for (auto const& [ending, type] : types)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

bool never_changes(std::string_view path) {
  auto const name = path.substr(path.rfind('/') + 1);
  auto const dash = name.rfind('-');
  auto const dot = name.find('.', dash == std::string_view::npos ? 0 : dash);
  if (dash == std::string_view::npos || dot == std::string_view::npos || dot - dash < 9) return false;
  auto const hash = name.substr(dash + 1, dot - dash - 1);
  return std::all_of(hash.begin(), hash.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

}  // namespace lovage::web
