import LockstepFold
import LockstepFiles
import LockstepTraining

extension ConfigurationReader {
  /// Reads `nonFinite`: a policy's name, or an object with `policy` and the policy's keys.
  func nonFinite() throws(ConfigurationError) -> NonFinitePolicy {
    let key = "nonFinite"
    let names = ["stop", "skip", "sanitize"]
    guard case .object? = peek(key) else {
      return Self.policy(try string(key, default: names[0], oneOf: names))
    }
    let reader = try object(key)
    let name = try reader.string("policy", oneOf: names)
    if name == names[0] { return .stop }
    let limit = try reader.integer("limit", default: 10, in: 1...)
    if name == names[1] { return .skip(limit: limit) }
    let repairs = NonFinitePolicy.Repair.allCases.map(\.rawValue)
    let repair = try reader.string("replace", default: repairs[0], oneOf: repairs)
    return .sanitize(NonFinitePolicy.Repair(rawValue: repair) ?? .shards, limit: limit)
  }

  /// A policy by its name, with its defaults.
  private static func policy(_ name: String) -> NonFinitePolicy {
    switch name {
    case "skip": .skip()
    case "sanitize": .sanitize()
    default: .stop
    }
  }
}
