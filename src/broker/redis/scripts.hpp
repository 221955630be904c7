// What the server does in one step.
#pragma once

#include "redis/client.hpp"

namespace lovage::broker::redis_broker {

/// Each script's keys and arguments are told above its text in scripts.cpp.
struct scripts {
  lovage::redis::script publish, claim, settle, renew, add_member, purge, purge_delayed, bury_element, take_dead,
      revoke;
};

/// *Threads*: any.
[[nodiscard]] scripts const& all_scripts();

}  // namespace lovage::broker::redis_broker
