# The same two targets, however lovage was found.
add_executable(stranger ${CMAKE_CURRENT_LIST_DIR}/main.cpp)
target_link_libraries(stranger PRIVATE lovage::lovage)
lovage_add_plugin(stranger_tasks ${CMAKE_CURRENT_LIST_DIR}/plugin.cpp)
