#include "cli/session.hpp"

#include "core/log.hpp"
#include "pool/prefork.hpp"

namespace lovage::cli {

bool in_fork_server() noexcept { return pool::is_fork_server(); }

config session::settings() const {
  auto out = config::discover(given.config.empty() ? std::nullopt : std::optional{given.config});
  if (!given.broker.empty()) out.set("broker_url", given.broker, "option");
  if (!given.result_backend.empty()) out.set("result_backend", given.result_backend, "option");
  if (!in_fork_server())
    for (auto const& w : out.warnings()) log::warning(w);
  return out;
}

app session::open(config with) const {
  app out{std::move(with)};
  for (auto const& path : given.apps) out.tasks().load(path);
  return out;
}

}  // namespace lovage::cli
