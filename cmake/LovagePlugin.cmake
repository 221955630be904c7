# lovage_add_plugin(NAME sources...): a shared object libNAME.so of tasks, for `lovage worker -A ./libNAME.so`.
#
# It links no lovage library, only the headers, and shows nothing but its one symbol. What the tasks need is added
# as to any target: target_link_libraries(NAME PRIVATE ...).
include_guard(GLOBAL)
set(LOVAGE_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/lovage_plugin.map CACHE INTERNAL "linker script of plug-ins")

function(lovage_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX lib SUFFIX .so
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name} PRIVATE lovage::plugin)
  target_link_options(${name} PRIVATE "LINKER:--version-script=${LOVAGE_PLUGIN_MAP}")
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${LOVAGE_PLUGIN_MAP})
endfunction()
