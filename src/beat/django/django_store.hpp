#pragma once

#include "beat/schedule_store.hpp"

namespace lovage::beats {

/// `django+` before the address of a database that django-celery-beat has made its tables in (2.4 and newer). They are
/// read as they are; a change in the admin is seen because `PeriodicTasks` says so. Written: when entries ran and how
/// often, and that those for once and those that expired are disabled. What is lovage's own (claims, entries of code
/// and of `lovage schedule add`) lies beside them in `lovage_beat_...`.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_django_store(store_settings with, deadline until);

}  // namespace lovage::beats
