// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "OwnOperation",
  dependencies: [.package(name: "Lockstep", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnOperation", dependencies: [.product(name: "Lockstep", package: "Lockstep")])
  ],
  swiftLanguageModes: [.v6]
)
