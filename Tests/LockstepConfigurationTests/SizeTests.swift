import LockstepCollective
import LockstepConfiguration
import LockstepTraining
import Testing

/// Sizes near the limits of an integer are errors of the configuration.
@Suite struct SizeTests {
  private static let largest = [
    "9223372036854775807", "4611686018427387904", "2147483648", "2147483647",
  ]

  /// A configuration of images with one value left open.
  private static let forms: [String] = [
    #""model": {"type": "mlp", "sizes": [#, 10]}"#,
    #""model": {"type": "mlp", "sizes": [10, #]}"#,
    #""model": {"type": "digits-cnn", "channels": [#, 8]}"#,
    #""model": {"type": "digits-cnn", "units": #}"#,
    #""model": {"type": "resnet20", "width": #}"#,
    #""model": {"type": "resnet20", "width": #, "shortcut": "projection"}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": #}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": #, "kernel": [3, 3]}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": 3, "padding": #}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": [1, #], "padding": "same"}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": 3, "dilation": #}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": 3, "dilation": #, "padding": "same"}]}"#,
    #""model": {"layers": [{"type": "Conv2d", "outChannels": 2, "kernel": 3, "groups": #}]}"#,
    #""model": {"layers": [{"type": "MaxPool2d", "kernel": #}]}"#,
    #""model": {"layers": [{"type": "AvgPool2d", "kernel": 2, "padding": #}]}"#,
    #""model": {"layers": [{"type": "Reshape", "shape": [#, 2]}]}"#,
    #""model": {"layers": [{"type": "Reshape", "shape": [#, #, -1]}]}"#,
    #""model": {"layers": [{"type": "Flatten"}, {"type": "Linear", "outFeatures": #, "inFeatures": 3}]}"#,
  ]

  private func refusal(_ text: String) -> String? {
    do {
      let configuration = try RunConfiguration(parsing: Array(text.utf8), source: "test.json")
      _ = try ConfiguredRun(
        configuration, data: try configuration.data.load(), on: SoloCollective())
      return nil
    } catch { return "\(error)" }
  }

  @Test(arguments: forms, largest) func modelsAreRefused(_ form: String, _ size: String) throws {
    // What is too large for the memory and no more is refused there.
    if size == "2147483647", !form.contains("Reshape"), !form.contains("ernel"),
      !form.contains("ding")
    {
      return
    }
    let model = form.replacing("#", with: size)
    let reason = refusal(
      #"{"data": {"type": "images", "shape": [3, 32, 32], "examples": 8}, \#(model)}"#)
    #expect(reason != nil, "\(model)")
  }

  @Test(arguments: [
    #"{"type": "images", "shape": [65536, 65536, 65536, 65536]}"#,
    #"{"type": "images", "shape": [100000, 100000, 100000, 100000, 100000]}"#,
    #"{"type": "images", "shape": [4294967296]}"#,
    #"{"type": "images", "examples": 1000000000, "shape": [10000]}"#,
    #"{"type": "blobs", "examples": 1000000000, "features": 100000000}"#,
    #"{"type": "blobs", "features": 100000000, "classes": 1000000}"#,
    #"{"type": "blobs", "examples": 9223372036854775807}"#,
    #"{"type": "blobs", "folds": 9223372036854775807, "fold": 0}"#,
    #"{"type": "images", "augment": [{"type": "crop", "padding": 9223372036854775807}]}"#,
    #"{"type": "images", "augment": [{"type": "shift", "pixels": 9223372036854775807}]}"#,
    #"{"type": "images", "augment": [{"type": "shift", "pixels": 2147483647}]}"#,
  ])
  func dataIsRefused(_ data: String) {
    let reason = refusal(
      #"{"data": \#(data), "model": {"layers": ["Flatten", {"type": "Linear", "outFeatures": 10}]}}"#
    )
    #expect(reason != nil)
  }

  @Test(arguments: [
    (#""clip": {"type": "autoClip", "window": 100000000000000}"#, "'clip.window' must be"),
    (
      #""optimizer": {"schedule": {"type": "cosine", "steps": 9223372036854775807}}"#,
      "'optimizer.schedule.steps' must be"
    ),
    (
      #""constraints": {"pattern": "*.weight", "type": "maxNorm", "every": 9223372036854775807}"#,
      "'constraints.every' must be"
    ),
    (#""average": {"start": 9223372036854775807}"#, "'average.start' must be"),
  ])
  func countsAreRefused(_ setting: String, _ message: String) {
    let reason = refusal(
      #"{"data": "blobs", "model": {"type": "mlp", "sizes": 2}, \#(setting)}"#)
    #expect(reason?.contains(message) == true, "\(reason ?? "accepted")")
  }
}
