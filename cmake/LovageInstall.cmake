# `cmake --install`: headers, library, program, and what find_package and pkg-config read.
include_guard()
option(LOVAGE_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT LOVAGE_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lovage)
set_target_properties(lovage_headers PROPERTIES EXPORT_NAME headers)
set_target_properties(lovage_plugin PROPERTIES EXPORT_NAME plugin)
set(installed lovage lovage_headers lovage_plugin)
if(TARGET lovage_program)
  set_target_properties(lovage_program PROPERTIES EXPORT_NAME program INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  list(APPEND installed lovage_program)
endif()
install(TARGETS ${installed} EXPORT lovageTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lovage DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT lovageTargets NAMESPACE lovage:: DESTINATION ${package_dir})

# Only who links the static library needs the libraries below it.
set(LOVAGE_FIND_TEXT "")
set(LOVAGE_PC_REQUIRES "")
set(LOVAGE_PC_LIBS "")
get_target_property(lovage_type lovage TYPE)
if(lovage_type STREQUAL "STATIC_LIBRARY")
  get_property(find_lines GLOBAL PROPERTY LOVAGE_FIND_LINES)
  get_property(packages GLOBAL PROPERTY LOVAGE_PC_PACKAGES)
  get_property(flags GLOBAL PROPERTY LOVAGE_PC_FLAGS)
  list(REMOVE_DUPLICATES find_lines)
  list(JOIN find_lines "\n" LOVAGE_FIND_TEXT)
  list(JOIN packages " " LOVAGE_PC_REQUIRES)
  list(JOIN flags " " LOVAGE_PC_LIBS)
  if(LOVAGE_FIND_TEXT MATCHES "lovage_find_pkg")
    string(PREPEND LOVAGE_FIND_TEXT "find_dependency(PkgConfig)
macro(lovage_find_pkg name)
  if(NOT TARGET PkgConfig::\${name})
    pkg_check_modules(\${name} REQUIRED QUIET IMPORTED_TARGET \${ARGN})
  endif()
endmacro()
")
  endif()
endif()

configure_package_config_file(packaging/lovageConfig.cmake.in ${PROJECT_BINARY_DIR}/lovageConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# The same package where it was built, for `lovage dev`: find_package(lovage) with -Dlovage_DIR=<this folder>.
export(EXPORT lovageTargets NAMESPACE lovage:: FILE ${PROJECT_BINARY_DIR}/lovageTargets.cmake)
file(COPY ${PROJECT_SOURCE_DIR}/cmake/LovagePlugin.cmake ${PROJECT_SOURCE_DIR}/cmake/lovage_plugin.map
  DESTINATION ${PROJECT_BINARY_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lovageConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lovageConfig.cmake ${PROJECT_BINARY_DIR}/lovageConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/LovagePlugin.cmake ${PROJECT_SOURCE_DIR}/cmake/lovage_plugin.map DESTINATION ${package_dir})

file(RELATIVE_PATH LOVAGE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" LOVAGE_PC_PREFIX "${LOVAGE_PC_PREFIX}")
configure_file(packaging/lovage.pc.in ${PROJECT_BINARY_DIR}/lovage.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lovage.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/lovage-worker@.service
  ${PROJECT_SOURCE_DIR}/packaging/systemd/lovage-beat@.service
  ${PROJECT_SOURCE_DIR}/packaging/systemd/lovage-relay@.service
  ${PROJECT_SOURCE_DIR}/packaging/systemd/lovage-web@.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/grafana/lovage.json DESTINATION ${CMAKE_INSTALL_DATADIR}/lovage/grafana)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
