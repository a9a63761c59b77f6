import LockstepCatalog
import LockstepConfiguration
import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// Every kind of data and augmentation can be named with its required keys, and is made.
@Suite struct DataFormTests {
  @Test func everyKindIsMade() throws {
    let data = try #require(RunConfiguration.form.keys.first { $0.key == "data" }?.kind.forms.first)
    #expect(data.variants.count >= 7)
    for variant in data.variants {
      let values = try data.read(ConfigurationReader(.object(data.example(variant.name))))
      #expect(throws: Never.self) { try DataConfiguration(values, seed: 1, batchSize: 64) }
    }
    for entry in AugmentationCatalog.catalog.entries {
      #expect(throws: Never.self) {
        try AugmentationCatalog.catalog.make(
          entry.name, AugmentationCatalog.catalog.form.example(entry.name))
      }
    }
  }

  /// A digits' configuration that was resolved holds the keys of a cut, without a value.
  @Test func dataWithATestPartIsNotCut() throws {
    for (text, isAccepted) in [
      (#""testFraction": null, "folds": null, "fold": null, "splitSeed": 0"#, true),
      (#""testFraction": 0.2"#, false), (#""folds": 5, "fold": 0"#, false),
    ] {
      let text = #"{"data": {"type": "mnist-5k", "# + text + #"}, "model": "digits-cnn"}"#
      let read = Result { try RunConfiguration(parsing: Array(text.utf8), source: "x") }
      switch read {
      case .success: #expect(isAccepted, "\(text)")
      case .failure(let error):
        #expect(!isAccepted && "\(error)".contains("the data comes with one"), "\(error)")
      }
    }
  }
}
