# `cmake --install` and the Debian package.

include(GNUInstallDirs)
# Tests and tools are no part of it, so an installation must not build them.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

if(TARGET tidegate)
  install(TARGETS tidegate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tidegate/examples
  FILES_MATCHING PATTERN "*.yaml" PATTERN "*.conf" PATTERN "*.service" PATTERN "*.socket" PATTERN "*.js" PATTERN "*.md"
  PATTERN "node_modules" EXCLUDE PATTERN "socket-pod" EXCLUDE
  PATTERN "docker" EXCLUDE)  # what belongs to a Dockerfile is of use beside the sources only

# The unit names the places where the program and the configuration really are. A configuration that is there already is
# kept. Under /usr and /usr/local it belongs into /etc, under any other prefix below that.
install(CODE [[
  set(prefix "${CMAKE_INSTALL_PREFIX}")
  if(prefix STREQUAL "/usr" OR prefix STREQUAL "/usr/local")
    set(configuration_folder /etc/tidegate)
  else()
    set(configuration_folder "${prefix}/etc/tidegate")
  endif()
]] CODE "set(source [==[${PROJECT_SOURCE_DIR}]==])\nset(build [==[${PROJECT_BINARY_DIR}]==])" CODE [[
  file(READ "${source}/examples/systemd/tidegate.service" unit)
  string(REPLACE "=/usr/bin/" "=${prefix}/bin/" unit "${unit}")
  string(REPLACE "/etc/tidegate" "${configuration_folder}" unit "${unit}")
  string(REPLACE "file:///usr/" "file://${prefix}/" unit "${unit}")
  file(WRITE "${build}/install/tidegate.service" "${unit}")
  file(INSTALL "${build}/install/tidegate.service" DESTINATION "${prefix}/lib/systemd/system")
  if(EXISTS "$ENV{DESTDIR}${configuration_folder}/tidegate.yaml")
    message(STATUS "Kept: ${configuration_folder}/tidegate.yaml")
  else()
    file(INSTALL "${source}/examples/tidegate.yaml" DESTINATION "${configuration_folder}")
  endif()
]])

set(CPACK_PACKAGE_NAME tidegate)
set(CPACK_PACKAGE_VENDOR "the tidegate authors")
set(CPACK_PACKAGE_CONTACT "the tidegate authors <tidegate@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Reverse proxy and WebSocket upgrade gateway")
set(CPACK_PACKAGE_DESCRIPTION "Stands in front of pods that come and go: requests and WebSocket handshakes reach a
ready one, by retry or by a short wait, and open sockets are left in peace.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.52)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/cmake/debian/conffiles ${PROJECT_SOURCE_DIR}/cmake/debian/postinst
  ${PROJECT_SOURCE_DIR}/cmake/debian/prerm ${PROJECT_SOURCE_DIR}/cmake/debian/postrm)
include(CPack)
