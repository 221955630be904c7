// Tasks in a shared object: `lovage worker -A ./libtasks.so`.
#pragma once

#include <lovage/define.hpp>
#include <lovage/version.hpp>

/// The one macro. Followed by a block that defines tasks on the library it names:
///
///     LOVAGE_PLUGIN(lib) {
///       lib.define(shop::add, [](int x, int y) { return x + y; });
///     }
///
/// Stands once in a shared object and exports its one symbol. The plug-in links no lovage library.
#define LOVAGE_PLUGIN(lib)                                                                                   \
  static void lovage_define_tasks(::lovage::library& lib);                                                   \
  static void lovage_load_tasks(lovage_registry const* registry) {                                           \
    try {                                                                                                    \
      ::lovage::library tasks{registry};                                                                     \
      lovage_define_tasks(tasks);                                                                            \
    } catch (std::exception const& e) {                                                                      \
      std::string const text = e.what();                                                                     \
      registry->fail(registry->self, text.data(), text.size());                                              \
    } catch (...) {                                                                                          \
      registry->fail(registry->self, "unknown exception", 17);                                               \
    }                                                                                                        \
  }                                                                                                          \
  extern "C" __attribute__((visibility("default"))) lovage_plugin_info const* lovage_plugin(void) {          \
    static constexpr lovage_plugin_info info{LOVAGE_ABI_VERSION, sizeof(lovage_plugin_info), LOVAGE_VERSION, \
                                             &lovage_load_tasks};                                            \
    return &info;                                                                                            \
  }                                                                                                          \
  static void lovage_define_tasks(::lovage::library& lib)
