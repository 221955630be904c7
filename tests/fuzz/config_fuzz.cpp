// Any text as a configuration file, an environment variable and a URL: refused or accepted, never a crash.
#include "config/config_access.hpp"
#include "config/name_pattern.hpp"
#include "config/url.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};

  lovage::config from_file;
  if (lovage::config_access::apply_toml(from_file, text, "fuzz.toml")) {
    if (lovage::humanize(from_file, true).empty()) std::abort();
    // What is in effect can be read with its type.
    (void)from_file.task_routes();
    (void)from_file.task_queues();
    (void)from_file.broker_transport_options();
    (void)from_file.broker_use_ssl();
    (void)from_file.accept_content();
    (void)from_file.result_expires();
    (void)from_file.worker_concurrency();
  }

  for (auto const& row : lovage::settings::table()) {
    if (!row.in_effect) continue;
    auto const once = lovage::settings::check(row, lovage::value{text}, lovage::settings::texts::any_type);
    if (!once || once->is_null()) continue;
    // The canonical form is a value of the setting that means itself, but "" (none) where none must be spelt.
    auto const* empty = once->get_if<std::string>();
    if (empty && empty->empty()) continue;
    auto const twice = lovage::settings::check(row, *once, lovage::settings::texts::any_type);
    if (!twice || !(*twice == *once)) std::abort();
    // What is shown means the same again, but for what is masked and for addresses.
    auto const shown = lovage::settings::show(row, *once);
    if (row.type == lovage::settings::kind::tls || row.type == lovage::settings::kind::flag) {
      auto const again = lovage::settings::check(row, lovage::value{shown}, lovage::settings::texts::any_type);
      if (!again || !(*again == *once)) std::abort();
    }
  }

  // A text as the left side of a rule: compiled or refused, and then it matches or not.
  auto const half = text.substr(0, text.size() / 2);
  if (auto const pattern = lovage::name_pattern::compile(half))
    (void)pattern->matches(std::string{text.substr(half.size())});

  (void)lovage::parse_urls(text);
  (void)lovage::mask_url(text);
  (void)lovage::settings::nearest(text);
  return 0;
}
