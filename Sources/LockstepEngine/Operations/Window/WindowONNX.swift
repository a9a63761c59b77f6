extension Window {
  /// Kernel, strides and padding as ONNX's operators take them.
  var onnxAttributes: [ONNXAttribute] {
    [
      .integers("kernel_shape", kernel), .integers("strides", strides),
      .integers("pads", paddingLow + paddingHigh),
    ]
  }
}
