// The asking side of remote control.
#pragma once

#include "app/app_state.hpp"
#include "app/mailbox.hpp"
#include "core/lamport.hpp"

#include <lovage/control.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace lovage::detail {

/// *Threads*: any, one call after the other.
class control_client {
 public:
  explicit control_client(std::shared_ptr<app_state> of);

  [[nodiscard]] expected<std::vector<node_reply>> ask(std::string command, value::map arguments,
                                                      control_options const& with,
                                                      std::function<void(node_reply const&)> const& tell);
  [[nodiscard]] expected<void> cast(std::string command, value::map arguments, control_options const& with);
  [[nodiscard]] app_state& app() const noexcept { return *app_; }

 private:
  [[nodiscard]] expected<void> send(wire::control_request r);
  [[nodiscard]] expected<void> open(deadline until);
  [[nodiscard]] expected<std::vector<node_reply>> collect(std::string const& ticket, control_options const& with,
                                                          std::function<void(node_reply const&)> const& tell);
  [[nodiscard]] std::optional<node_reply> read(wire::envelope const& message, std::string const& ticket);

  std::shared_ptr<app_state> const app_;
  control_mail::settings const mail_;
  std::string const oid_;
  lamport_clock clock_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<broker::transport> transport_;
  std::unique_ptr<broker::inbox> inbox_;
};

}  // namespace lovage::detail
