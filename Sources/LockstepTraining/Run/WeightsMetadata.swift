import LockstepDatasets
import LockstepState

extension Resumption {
  /// What a file of weights says about where they come from.
  func metadata(step: Int, _ more: [String: String]) -> [String: String] {
    var metadata = ["format": "pt", WeightsFile.stepKey: "\(step)"]
    if let data {
      metadata[DataDescription.metadataKey] = data.description.json.compactText
    }
    return metadata.merging(more) { $1 }
  }
}
