# The dashboard's front end, built by npm in web/ and made a part of the program.
#
# LOVAGE_WEB=OFF leaves it out: `lovage web` then serves its API, and pages of a folder with --assets alone.
include_guard()

option(LOVAGE_WEB "Build the dashboard's pages into lovage web (needs node and npm)" ON)
set(LOVAGE_WEB_DIST "" CACHE PATH "Pages that are built already, instead of building those of web/")

function(lovage_web_needs program)
  find_program(LOVAGE_${program} ${program})
  if(NOT LOVAGE_${program})
    message(FATAL_ERROR "lovage: the dashboard's pages are built by ${program}, which is not installed. "
      "Install it (Debian: apt install nodejs npm), or build without the pages: -DLOVAGE_WEB=OFF")
  endif()
endfunction()

# npm ci once for each lock file, npm run build for each change; `stamp` is the last step.
function(lovage_web_build dist stamp)
  lovage_web_needs(node)
  lovage_web_needs(npm)
  set(web ${PROJECT_SOURCE_DIR}/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/*)
  file(GLOB tools CONFIGURE_DEPENDS ${web}/*.mjs ${web}/*.json)
  add_custom_command(OUTPUT ${web}/node_modules/.package-lock.json
    COMMAND ${LOVAGE_npm} ci --omit=dev --no-audit --no-fund --loglevel=error
    DEPENDS ${web}/package-lock.json WORKING_DIRECTORY ${web} VERBATIM
    COMMENT "Fetching what the dashboard's pages are built with")
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${LOVAGE_npm} run build --silent
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${sources} ${tools} ${web}/node_modules/.package-lock.json WORKING_DIRECTORY ${web} VERBATIM
    COMMENT "Building the dashboard's pages")
endfunction()

# Makes the files of web/dist (or of LOVAGE_WEB_DIST) known to `target` as lovage::web::embedded_assets().
function(lovage_web_assets target)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/embedded_assets.cpp)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/web_dist.stamp)
  set(dist "")
  set(needs "")
  if(LOVAGE_WEB AND LOVAGE_WEB_DIST)
    set(dist ${LOVAGE_WEB_DIST})
    file(GLOB_RECURSE needs CONFIGURE_DEPENDS ${dist}/*)
  elseif(LOVAGE_WEB AND EXISTS ${PROJECT_SOURCE_DIR}/web/package.json)
    set(dist ${PROJECT_SOURCE_DIR}/web/dist)
    lovage_web_build(${dist} ${stamp})
    set(needs ${stamp})
  endif()
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_assets.cmake)
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -DDIST=${dist} -DOUT=${made} -P ${script}
    DEPENDS ${needs} ${script} VERBATIM COMMENT "Embedding the dashboard's pages")
  target_sources(${target} PRIVATE ${made})
  set_source_files_properties(${made} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
