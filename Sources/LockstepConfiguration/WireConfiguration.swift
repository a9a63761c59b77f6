import LockstepFold
import LockstepFiles
import LockstepTraining

extension ConfigurationReader {
  /// Reads `wire`, for a run of `shards` shards.
  func wire(shards: Int) throws(ConfigurationError) -> WirePrecision {
    let type = try string("type", default: "float32", oneOf: ["float32", "bfloat16"])
    guard type == "bfloat16" else {
      if contains("level") {
        throw error("level", "goes with the type 'bfloat16'; remove it, or set the type")
      }
      return .float32
    }
    guard shards > 1 else {
      throw error(
        "type", "is bfloat16, and with one shard no gradient travels: set shards to 2 or more")
    }
    return .bfloat16(
      level: try integer("level", default: 0, in: 0...shards.trailingZeroBitCount - 1))
  }
}
