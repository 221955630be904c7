#include "order_tasks.hpp"

#include <lovage/plugin.hpp>

LOVAGE_PLUGIN(lib) { shop::define_orders(lib); }
