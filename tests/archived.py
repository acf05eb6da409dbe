"""Archives of pictures in tests: as people send them, and as nobody should."""

import io
import stat
import zipfile

import numpy as np
from PIL import Image

LINK = (stat.S_IFLNK | 0o777) << 16
PIPE = (stat.S_IFIFO | 0o644) << 16


def picture(seed=0, form="PNG", size=(12, 16), **more):
    """The bytes of a picture that no other seed has."""
    random = np.random.Generator(np.random.Philox(seed))
    drawn = Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8))
    data = io.BytesIO()
    drawn.save(data, form, **more)
    return data.getvalue()


def archive(files, *, mode=None, **more):
    """A ZIP archive of these files; a list of pairs may repeat a name, `mode` is of the last one."""
    data = io.BytesIO()
    pairs = list(files.items() if isinstance(files, dict) else files)
    with zipfile.ZipFile(data, "w", **more) as packed:
        for place, (name, content) in enumerate(pairs, start=1):
            info = zipfile.ZipInfo(name)
            info.compress_type = more.get("compression", zipfile.ZIP_DEFLATED)
            if mode is not None and place == len(pairs):
                info.create_system, info.external_attr = 3, mode
            packed.writestr(info, content)
    return data.getvalue()


GOOD = {"one.png": picture(1), "two.jpg": picture(2, "JPEG"), "deep/three.webp": picture(3, "WEBP", lossless=True)}
TABLE = "file,index,words\none.png,1,dog\ntwo.jpg,0,cat\n"
