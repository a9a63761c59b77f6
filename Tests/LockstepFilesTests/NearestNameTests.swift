import LockstepFiles
import Testing

@Suite struct NearestNameTests {
  @Test("the nearest name within reach, the first of equals")
  func nearest() {
    #expect(NearestName.find("bathcSize", among: ["epochs", "batchSize"]) == "batchSize")
    #expect(NearestName.find("BATCHSIZE", among: ["batchSize"]) == "batchSize")
    #expect(NearestName.find("rat", among: ["rate", "ratio"]) == "rate")
    #expect(NearestName.find("cat", among: ["bat", "rat"]) == "bat")
    #expect(NearestName.find("ab", among: ["cd"]) == nil)
    #expect(NearestName.find("momentum", among: ["shuffle", "epochs"]) == nil)
    #expect(NearestName.find("", among: ["a"]) == nil)
    #expect(NearestName.find("a", among: []) == nil)
  }

  @Test(
    "case and separators do not count, and usual names of other programs are known",
    arguments: [
      ("batch_size", ["batch", "batchSize"], "batchSize"),
      ("learning-rate", ["learningRate"], "learningRate"),
      ("lr", ["type", "learningRate"], "learningRate"), ("LR", ["learningRate"], "learningRate"),
      ("wd", ["weightDecay"], "weightDecay"),
      ("mse", ["softmaxCrossEntropy", "meanSquaredError"], "meanSquaredError"),
      ("bce", ["softmaxCrossEntropy", "binaryCrossEntropy"], "binaryCrossEntropy"),
      ("cross_entropy", ["binaryCrossEntropy", "softmaxCrossEntropy"], "softmaxCrossEntropy"),
      ("Relu", ["tanh", "relu"], "relu"), ("dense", ["Conv2d", "Linear"], "Linear"),
      ("filters", ["outChannels", "kernel"], "outChannels"),
      ("xavier", ["he", "glorot"], "glorot"), ("fit", ["train"], "train"),
      // What a name means follows from what can stand there.
      ("units", ["outFeatures"], "outFeatures"), ("units", ["sizes"], "sizes"),
    ])
  func synonyms(_ name: String, _ candidates: [String], _ meant: String) {
    #expect(NearestName.find(name, among: candidates) == meant)
  }
}
